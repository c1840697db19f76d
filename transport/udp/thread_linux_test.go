package udp

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadingInTheThread(t *testing.T) {
	t.Parallel()
	s, other := mustListen(t, "127.0.0.1:0", Options{}), mustListen(t, "127.0.0.1:0", Options{})
	var b Batch
	for range 3 {
		require.True(t, s.BeginInThread())
		require.ErrorIs(t, s.ReadBatchInThread(&b, time.Millisecond), os.ErrDeadlineExceeded)
		require.Empty(t, b.Datagrams)
		send(t, other, s.LocalAddr(), []byte("one"), []byte("three"))
		for n := 0; n < 2; n += len(b.Datagrams) {
			require.NoError(t, s.ReadBatchInThread(&b, time.Minute))
			require.Equal(t, other.LocalAddr(), b.Datagrams[0].Addr)
		}
		send(t, s, other.LocalAddr(), []byte("back"))
		require.Len(t, receive(t, other, 1), 1)

		send(t, other, s.LocalAddr(), []byte("left"))
		s.EndInThread()
		require.Equal(t, "left", string(receive(t, s, 1)[0].Data))
		arrived := make(chan error)
		go func() {
			var b Batch
			arrived <- s.ReadBatch(&b)
		}()
		time.Sleep(time.Millisecond) // it probably waits by now
		send(t, other, s.LocalAddr(), []byte("later"))
		require.NoError(t, <-arrived)
	}
	require.Equal(t, Stats{}, s.Stats())
}

func TestOversizedDatagramsAreDroppedInTheThreadToo(t *testing.T) {
	t.Parallel()
	s, other := mustListen(t, "127.0.0.1:0", Options{}), mustListen(t, "127.0.0.1:0", Options{})
	require.True(t, s.BeginInThread())
	send(t, other, s.LocalAddr(), make([]byte, BufferSize+1))
	var b Batch
	require.ErrorIs(t, s.ReadBatchInThread(&b, time.Minute), os.ErrDeadlineExceeded)
	require.Equal(t, Stats{Oversized: 1}, s.Stats())
}

func TestCloseEndsReadingInTheThread(t *testing.T) {
	t.Parallel()
	s := mustListen(t, "127.0.0.1:0", Options{})
	require.True(t, s.BeginInThread())
	require.NoError(t, s.Close())
	var b Batch
	require.ErrorIs(t, s.ReadBatchInThread(&b, time.Minute), net.ErrClosed)
	s.EndInThread()
	require.ErrorIs(t, s.ReadBatch(&b), net.ErrClosed)
	require.False(t, s.BeginInThread())
}

func TestSocketsThatAreReadInNoThread(t *testing.T) {
	t.Parallel()
	require.False(t, mustListen(t, "127.0.0.1:0", Options{SingleCalls: true}).BeginInThread())
	require.False(t, moderated(t).BeginInThread(), "it is not waited for")
	delayed := Impair(mustListen(t, "127.0.0.1:0", Options{}), Conditions{Recv: Settings{Lag: time.Millisecond}})
	defer func() { _ = delayed.Close() }()
	require.False(t, delayed.BeginInThread())
	require.False(t, Impair(newMemConn(), Conditions{}).BeginInThread(), "it is no socket")
}

// Delays are for ReadBatch, which knows of them.
func TestConditionsEndReadingInTheThread(t *testing.T) {
	t.Parallel()
	i := Impair(mustListen(t, "127.0.0.1:0", Options{}), Conditions{})
	defer func() { _ = i.Close() }()
	require.True(t, i.BeginInThread())
	i.Configure(Conditions{Recv: Settings{Lag: time.Millisecond}})
	var b Batch
	require.ErrorIs(t, i.ReadBatchInThread(&b, time.Minute), errDelays)
	i.EndInThread()
}
