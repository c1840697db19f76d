package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/signaling/trivial"
	"github.com/stretchr/testify/require"
)

// signalInbox is a p2p.SignalHandler.
type signalInbox chan string

func (b signalInbox) Signal(from gns.Identity, signal []byte) {
	b <- from.String() + ": " + string(signal)
}

func (b signalInbox) Unreachable(gns.Identity, error) {}

func TestSignalServerCarriesSignals(t *testing.T) {
	t.Parallel()
	server := start(t, "signal", "127.0.0.1:0", "-v", "-stats")
	service := trivial.New(server.address())
	inbox := make(signalInbox, 10)
	alice, bob := gns.GenericString("alice"), gns.GenericString("bob")
	b, err := service.Open(bob, inbox)
	require.NoError(t, err)
	server.stderr.Wait(t, `client connected.* identity=str:bob`)
	a, err := service.Open(alice, inbox)
	require.NoError(t, err)
	require.NoError(t, a.SendSignal(bob, []byte("hello")))
	select {
	case got := <-inbox:
		require.Equal(t, "str:alice: hello", got)
	case <-time.After(patience):
		require.Fail(t, "no signal")
	}
	server.stderr.Wait(t, `2 clients  \d+ signals/s  1 carried  0 for nobody  0 refused`)

	server.interrupt()
	server.wantStatus(exitOK)
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
	require.Contains(t, server.stderr.String(), "clients: 2 connected, 0 refused, 0 replaced by a newer connection, 0 too slow\n"+
		"signals: 1 carried, 0 for nobody, 0 for clients that did not keep up, 0 too many from one client, 0 malformed\n")
	require.Empty(t, server.stdout.String())
}

func TestSignalServerAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	address := start(t, "signal", "127.0.0.1:0").address()
	status, _, stderr := finished(t, "", "signal", address)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "snpcat: cannot listen on "+address+": ")
}

func TestSignalUsage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ args, want string }{
		{"signal localhost", `address "localhost" is not of the form [ADDR]:PORT`},
		{"signal :65536", `port "65536" is not a number from 0 to 65535`},
		{"signal 65536", `port "65536" is not a number from 0 to 65535`},
		{"signal :", `port "" is not a number`},
		{"signal :0 :1", `unexpected argument ":1" after the address :0`},
		{"signal -x", "not defined: -x"},
	} {
		status, stdout, stderr := finished(t, "", strings.Fields(tc.args)...)
		require.Equal(t, exitUsage, status, tc.args)
		require.Empty(t, stdout, tc.args)
		require.Contains(t, stderr, tc.want, tc.args)
		require.Regexp(t, `^snpcat: .*\nRun 'snpcat signal -h' for usage.\n$`, stderr, tc.args)
	}
	status, stdout, stderr := finished(t, "", "signal", "-h")
	require.Equal(t, exitOK, status)
	require.Equal(t, signalUsageText, stdout)
	require.Empty(t, stderr)
	for line := range strings.Lines(signalUsageText) {
		require.LessOrEqual(t, len(line), 81, "too wide for a terminal: %s", line)
	}

	for args, want := range map[string]string{"": ":10000", "1234": ":1234", "[::1]:0": "[::1]:0"} {
		o, err := parseSignalOptions(strings.Fields(args))
		require.NoError(t, err)
		require.Equal(t, want, o.address)
	}
}
