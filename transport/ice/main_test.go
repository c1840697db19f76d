package ice

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain checks that no goroutine of ours or of pion's outlives the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if stack := leaked(2 * time.Minute); stack != "" {
			fmt.Fprintf(os.Stderr, "goroutine left behind:\n%s\n", stack)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked returns the stack of a goroutine that does not end within the given time.
func leaked(patience time.Duration) string {
	buf := make([]byte, 1<<20)
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		found := ""
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "transport/ice.") && !strings.Contains(stack, "ice.TestMain") ||
				strings.Contains(stack, "github.com/pion/") {
				found = stack
			}
		}
		if found == "" || time.Now().After(end) {
			return found
		}
	}
}
