package meet

import (
	"net"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/testport"
	"github.com/gogns/gns/signaling/trivial"
	"github.com/stretchr/testify/require"
)

type nobody struct{}

func (nobody) Signal(crypto.Identity, []byte)     {}
func (nobody) Unreachable(crypto.Identity, error) {}

// wantLine waits for a line.
func wantLine(t *testing.T, lines <-chan string, pattern string) {
	t.Helper()
	select {
	case line := <-lines:
		require.Regexp(t, pattern, line)
	case <-time.After(2 * time.Minute):
		require.Fail(t, "nothing was said", pattern)
	}
}

func TestSignalingSaysWhatIsWrong(t *testing.T) {
	address := testport.TCP(t).String()
	lines := make(chan string, 10)
	s := NewSignaling(address, func(line string) { lines <- line }, nil)
	require.NoError(t, s.Failure(), "not tried yet")
	first, err := s.Open(crypto.GenericString("alice"), nobody{})
	require.NoError(t, err)
	defer func() { require.NoError(t, first.Close()) }()
	wantLine(t, lines, `^signaling server `+address+`: dial tcp .*; trying again$`)
	require.Error(t, s.Failure())

	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	var server trivial.Server
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		require.NoError(t, server.Close())
		<-served
	}()
	wantLine(t, lines, `^signaling server `+address+` reached$`)
	require.NoError(t, s.Failure())

	second, err := s.Open(crypto.GenericString("alice"), nobody{})
	require.NoError(t, err)
	defer func() { require.NoError(t, second.Close()) }()
	wantLine(t, lines, `has ended the connection; connecting again .*same identity`)
}
