//go:build linux

package natlab

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var inNetworks = flag.Bool("natlab", false, "run the tests that make networks, as root")

// roleVariable says which program this binary is to be instead of a test. Hosts run it.
const roleVariable = "GNS_NATLAB_ROLE"

// roles are the programs. They get their arguments as JSON, run until their standard input ends, and print JSON.
var roles = map[string]func(args []byte) error{
	"reflector": runReflector,
	"probe":     runProbe,
	"asker":     runAsker,
	"turn":      runTURN,
	"relay":     runRelay,
	"signal":    runSignal,
	"peer":      runPeer,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role]([]byte(os.Args[1])); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if *inNetworks {
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "natlab:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// prepare says what is missing before every test fails for it.
func prepare() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("only root can make networks")
	}
	for _, program := range []string{"ip", "nft", "sysctl", "turnserver"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w (iproute2, nftables, procps and coturn are needed)", err)
		}
	}
	return RemoveLeftovers()
}

// lab is New, for tests that run only if it is wanted.
func lab(t *testing.T) *Lab {
	t.Helper()
	if !*inNetworks {
		t.Skip("makes networks: run as root with -natlab")
	}
	return New(t)
}

// program prepares this binary to run in a role on a host.
func program(ctx context.Context, t testing.TB, h *Host, role string, args any) *exec.Cmd {
	t.Helper()
	encoded, err := json.Marshal(args)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := h.Command(ctx, self, string(encoded))
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// daemon starts a program that prints a line when it is ready, and runs until the test has ended. The line is returned.
func daemon(t testing.TB, h *Host, role string, args any) string {
	t.Helper()
	d := startDaemon(t, h, role, args)
	return d.ready
}

// server is a program that runs until it is stopped.
type server struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ready string
}

// startDaemon is daemon for those who stop it before.
func startDaemon(t testing.TB, h *Host, role string, args any) *server {
	t.Helper()
	return startServer(t, program(context.Background(), t, h, role, args), "")
}

// startServer starts a command and waits until it prints a line that contains a text.
func startServer(t testing.TB, cmd *exec.Cmd, ready string) *server {
	t.Helper()
	log := new(logBuffer)
	cmd.Stderr = log
	s := &server{cmd: cmd}
	var err error
	s.stdin, err = cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("%s on stderr:\n%s", strings.Join(cmd.Args[4:], " "), log)
		}
	})
	lines := make(chan string, 1)
	go scanFor(stdout, ready, lines, log)
	s.ready = await(t, lines, "the server to be ready", new(logBuffer)) // the log comes with the cleanup
	return s
}

// stop kills the program, and may be called again.
func (s *server) stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
}
