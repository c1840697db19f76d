package peer

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scripted is an implementation for the tests of this package: see script.
const scripted Kind = "script"

func TestMain(m *testing.M) {
	engines[scripted] = func(o Options) (Engine, error) {
		fmt.Fprintln(os.Stderr, "the script's log")
		if o.Identity == "str:buggy" {
			fmt.Fprintln(os.Stderr, "[1] Invalid lane 9\n[2] an error\n[1] Assertion Failed: 1 == 2")
		}
		return &script{room: 100, wake: make(chan struct{})}, nil
	}
	RunIfChild()
	os.Exit(m.Run())
}

// failing is a test that keeps what it says, so that failing on purpose can be tested.
type failing struct {
	testing.TB
	failed   bool
	said     []string
	cleanups []func()
}

func (f *failing) Helper() {}

func (f *failing) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

func (f *failing) Failed() bool { return f.failed }

func (f *failing) Logf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func (f *failing) Errorf(format string, args ...any) {
	f.Logf(format, args...)
	f.failed = true
}

func (f *failing) Fatalf(format string, args ...any) {
	f.Logf(format, args...)
	f.failed = true
	runtime.Goexit()
}

// outcome runs test to its end and returns everything it said.
func outcome(t *testing.T, test func(testing.TB)) (said string, failed bool) {
	t.Helper()
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, c := range f.cleanups {
				c()
			}
		}()
		test(f)
	}()
	<-done
	return strings.Join(f.said, "\n"), f.failed
}

func TestPeerProcess(t *testing.T) {
	t.Parallel()
	p := Start(t, Options{Kind: scripted, Name: "scripted peer"})
	require.Equal(t, "str:script", p.Identity())
	require.Equal(t, scripted, p.Kind())
	c := p.Connect(netip.MustParseAddrPort("127.0.0.1:1"))
	require.Equal(t, int64(1), c.Send(0, Reliable, []byte("x")))
	_, err := c.SendContent(2, Reliable, 1, 1)
	require.ErrorIs(t, err, InvalidParam)
	require.Equal(t, 12, c.Status(0).Ping)
	require.Contains(t, p.Transcript(), `"do":"connect"`)
}

// A test whose wait fails ends with the reason and the transcript.
func TestPeerFailures(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		test func(testing.TB)
		want []string
	}{
		{
			"a state that does not come",
			func(t testing.TB) {
				c := Start(t, Options{Kind: scripted, Name: "slow"}).Connect(netip.MustParseAddrPort("127.0.0.1:1"))
				c.WaitStateWithin(Connected, time.Millisecond)
			},
			[]string{"slow: no state Connected on connection 7 within 1ms", `> {"id":1,"do":"connect"`, `< {"ev":"reply"`, "| the script's log"},
		},
		{
			"a process that has died",
			func(t testing.TB) {
				p := Start(t, Options{Kind: scripted, Name: "dead"})
				c := p.Connect(netip.MustParseAddrPort("127.0.0.1:1"))
				p.Kill()
				c.Next()
			},
			[]string{"dead: the process ended while the test waited for 1 messages on connection 7", "* kill"},
		},
		{
			"an implementation that is not there",
			func(t testing.TB) { Start(t, Options{Kind: "nobody"}) },
			[]string{`nobody could not start: peer: no implementation is called "nobody"`},
		},
		{
			"a command that is refused",
			func(t testing.TB) { Start(t, Options{Kind: scripted}).SetConfig("A=b") },
			[]string{`script: command "config": no such value`},
		},
		{
			"a process that crashes",
			func(t testing.TB) {
				Start(t, Options{Kind: scripted, Name: "crasher"}).Listen(netip.IPv6Unspecified(), "panic")
			},
			[]string{"crasher ended with exit status 2", "| panic: as asked"},
		},
		{
			"a library that finds a bug",
			func(t testing.TB) { Start(t, Options{Kind: scripted, Identity: "str:buggy"}) },
			[]string{"script logs: [1] Assertion Failed: 1 == 2", "script logs, as is known of it: [1] Invalid lane"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			said, failed := outcome(t, row.test)
			require.True(t, failed)
			for _, want := range row.want {
				require.Contains(t, said, want)
			}
			require.NotContains(t, said, "script logs: [1] Invalid lane", "tests do that on purpose")
		})
	}
}

func TestTranscriptKeepsTheLatest(t *testing.T) {
	t.Parallel()
	tr := transcript{start: time.Now()}
	for i := range 5 * transcriptLines {
		tr.add("<", fmt.Sprintf("line %d", i))
	}
	tr.add("<", strings.Repeat("x", 10*transcriptWidth))
	text := tr.String()
	require.Equal(t, transcriptLines+1, len(strings.Split(text, "\n")))
	require.Contains(t, text, "earlier lines left out")
	require.Contains(t, text, fmt.Sprintf("line %d", 5*transcriptLines-1))
	require.NotContains(t, text, "line 10\n")
	require.Less(t, len(text), (transcriptLines+2)*(transcriptWidth+40))
}
