package memory

import (
	"testing"
	"testing/synctest"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
	"github.com/stretchr/testify/require"
)

var alice, bob, carol = crypto.GenericString("alice"), crypto.GenericString("bob"), crypto.GenericString("carol")

// event is a call of a handler.
type event struct {
	at, who crypto.Identity
	signal  string // "unreachable" if who is
}

// log is what all handlers saw, in order. No mutex: the service calls one handler at a time.
type log struct{ events []event }

func (l *log) wants(t *testing.T, events ...event) {
	t.Helper()
	synctest.Wait()
	require.Equal(t, events, l.events)
	l.events = nil
}

type handler struct {
	at       crypto.Identity
	log      *log
	onSignal func()
}

func (h *handler) Signal(from crypto.Identity, signal []byte) {
	h.log.events = append(h.log.events, event{h.at, from, string(signal)})
	if h.onSignal != nil {
		h.onSignal()
	}
}

func (h *handler) Unreachable(to crypto.Identity, why error) {
	h.log.events = append(h.log.events, event{h.at, to, "unreachable"})
}

func TestSignalsArriveInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		s := New()
		a, err := s.Open(alice, &handler{at: alice, log: &l})
		require.NoError(t, err)
		var b p2p.SignalingClient
		b, err = s.Open(bob, &handler{at: bob, log: &l, onSignal: func() { require.NoError(t, b.SendSignal(alice, []byte("answer"))) }})
		require.NoError(t, err)

		signal := []byte("one")
		require.NoError(t, a.SendSignal(bob, signal))
		copy(signal, "two")
		require.NoError(t, a.SendSignal(carol, nil))
		require.NoError(t, a.SendSignal(alice, signal))
		l.wants(t, event{bob, alice, "one"}, event{alice, carol, "unreachable"}, event{alice, alice, "two"}, event{alice, bob, "answer"})
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		s := New()
		a, err := s.Open(alice, &handler{at: alice, log: &l})
		require.NoError(t, err)
		entered, leave := make(chan struct{}), make(chan struct{})
		b, err := s.Open(bob, &handler{at: bob, log: &l, onSignal: func() { close(entered); <-leave }})
		require.NoError(t, err)
		_, err = s.Open(bob, &handler{})
		require.ErrorContains(t, err, "str:bob is open already")

		require.NoError(t, a.SendSignal(bob, []byte("before")))
		<-entered
		require.NoError(t, a.SendSignal(bob, []byte("after")))
		closed := make(chan error, 1)
		go func() { closed <- b.Close() }()
		synctest.Wait()
		require.Empty(t, closed, "the handler is busy")
		close(leave)
		require.NoError(t, <-closed)
		l.wants(t, event{bob, alice, "before"}, event{alice, bob, "unreachable"})
		require.ErrorIs(t, b.SendSignal(alice, nil), p2p.ErrClosed)
		require.NoError(t, b.Close(), "again")

		b, err = s.Open(bob, &handler{at: bob, log: &l})
		require.NoError(t, err)
		require.NoError(t, b.SendSignal(alice, []byte("back")))
		require.NoError(t, b.Close())
		l.wants(t, event{alice, bob, "back"})
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := New()
	_, err := s.Open(crypto.Identity{}, &handler{})
	require.ErrorContains(t, err, "no identity")
	a, err := s.Open(alice, &handler{})
	require.NoError(t, err)
	require.ErrorContains(t, a.SendSignal(crypto.Identity{}, nil), "no identity")
	require.ErrorContains(t, a.SendSignal(bob, make([]byte, p2p.MaxSignal+1)), "signal of more than 16384 bytes")
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		s := New()
		leave := make(chan struct{})
		a, err := s.Open(alice, &handler{at: alice, log: &l, onSignal: func() { <-leave }})
		require.NoError(t, err)
		require.NoError(t, a.SendSignal(alice, nil))
		synctest.Wait()
		for range MaxQueue + 5 {
			require.NoError(t, a.SendSignal(alice, nil))
		}
		close(leave)
		synctest.Wait()
		require.Len(t, l.events, 1+MaxQueue)
	})
}
