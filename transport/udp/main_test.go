package udp

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain checks that no goroutine of the package outlives the tests. These are about the fast paths, on and off,
// whatever the environment says.
func TestMain(m *testing.M) {
	_ = os.Unsetenv(OffVariable)
	code := m.Run()
	if code == 0 {
		if stack := leaked(patience); stack != "" {
			fmt.Fprintf(os.Stderr, "goroutine left behind:\n%s\n", stack)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked returns the stack of a goroutine of this package that does not end within the given time.
func leaked(patience time.Duration) string {
	buf := make([]byte, 1<<20)
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		found := ""
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "transport/udp.") && !strings.Contains(stack, "udp.TestMain") {
				found = stack
			}
		}
		if found == "" || time.Now().After(end) {
			return found
		}
	}
}
