package interop

import (
	"flag"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/libgnstest"
)

var upstreamTests = flag.String("libgns-upstream", "suite-quick", "tests that Valve's test_connection runs with our library, with spaces between them")

// quickTests are those of suite-quick, as the program names them.
var quickTests = []string{"identity", "quick", "lane_quick_queueanddrain", "lane_quick_priority_and_background", "pipe", "send_buffer_full", "recv_buf_full"}

// Valve's own test of connections passes with our library. It listens on ports 27200 to 27203, takes three minutes and a half, and measures, so
// that it does not run beside others.
func TestLibgnsUpstream(t *testing.T) {
	program := libgnstest.Upstream(t, "test_connection")
	tests := strings.Fields(*upstreamTests)
	cmd := exec.CommandContext(t.Context(), program, tests...)
	cmd.Env = libgnstest.Environment(libgnstest.Library(t))
	cmd.Dir = t.TempDir() // it writes a log there
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", lastLines(string(out), 60))
	if len(tests) == 1 && tests[0] == "suite-quick" {
		tests = quickTests
	}
	for _, test := range tests {
		require.Contains(t, string(out), "Test '"+test+"' completed OK")
	}
}

// lastLines returns the last n lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
