package libgnstest

import (
	"os"
	"path/filepath"
	"testing"
)

// EnvSource names a checkout of the source of Valve's library, whose programs can be compiled with our library.
const EnvSource = "GNS_SOURCE"

// Source returns the path of that checkout, or skips the test, which wants a file in it.
func Source(t testing.TB, file string) string {
	t.Helper()
	source := os.Getenv(EnvSource)
	if source == "" {
		t.Skipf("set %s to a checkout of https://github.com/ValveSoftware/GameNetworkingSockets, whose %s is wanted", EnvSource, file)
	}
	source, err := filepath.Abs(source)
	if err == nil {
		_, err = os.Stat(filepath.Join(source, file))
	}
	if err != nil {
		t.Fatalf("%s: %v", EnvSource, err)
	}
	return source
}
