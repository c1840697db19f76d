package p2ptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gogns/gns/interop/valve"
)

// The files of Valve's build that are used.
const (
	testProgram     = "test_p2p"
	stunScript      = "stun_server.py"
	signalingScript = "trivial_signaling_server.py"
)

// file returns the path of a file beside Valve's library. It ends the test if it is not there.
func file(t testing.TB, name string) string {
	t.Helper()
	library := os.Getenv(valve.EnvLibrary)
	path, err := filepath.Abs(filepath.Join(filepath.Dir(library), name))
	if err == nil && library != "" {
		_, err = os.Stat(path)
	}
	if err != nil || library == "" {
		t.Fatalf("Valve's %s was not found: %v\nSet %s to the path of libGameNetworkingSockets.so in the directory bin of a build of "+
			"https://github.com/ValveSoftware/GameNetworkingSockets that was configured with -DBUILD_TESTS=ON -DBUILD_EXAMPLES=ON "+
			"and made completely (ninja); the file belongs beside it", name, err, valve.EnvLibrary)
	}
	return path
}

// python returns the interpreter for Valve's scripts. It ends the test if there is none.
func python(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("Valve's signaling server and STUN server are Python scripts: %v", err)
	}
	return path
}
