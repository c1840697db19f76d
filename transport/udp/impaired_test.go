package udp

import (
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

const seed = 2026 // of every random choice here

// impaired runs a test in virtual time on a memConn with the given conditions. The bubble fails if a
// goroutine is left after Close.
func impaired(t *testing.T, c Conditions, f func(t *testing.T, i *Impaired, m *memConn)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemConn()
		i := Impair(m, c)
		f(t, i, m)
		require.NoError(t, i.Close())
	})
}

func write(t *testing.T, c Conn, payloads ...string) {
	t.Helper()
	var b []Datagram
	for _, p := range payloads {
		b = append(b, Datagram{memPeer, []byte(p)})
	}
	n, err := c.WriteBatch(b)
	require.NoError(t, err)
	require.Equal(t, len(b), n)
}

// read returns the payloads of one batch.
func read(t *testing.T, c Conn) (payloads []string) {
	t.Helper()
	var b Batch
	require.NoError(t, c.ReadBatch(&b))
	for _, d := range b.Datagrams {
		require.Equal(t, memPeer, d.Addr)
		payloads = append(payloads, string(d.Data))
	}
	return payloads
}

func TestImpairedWithoutConditionsPassesEverything(t *testing.T) {
	impaired(t, Conditions{}, func(t *testing.T, i *Impaired, m *memConn) {
		write(t, i, "a", "b")
		now := time.Now()
		require.Equal(t, []memSent{{now, memPeer, "a"}, {now, memPeer, "b"}}, m.take())
		m.deliver("c", "d")
		require.Equal(t, []string{"c", "d"}, read(t, i))
		require.Equal(t, 1, m.reads)
		require.Equal(t, ImpairedStats{}, i.Stats())
		require.Equal(t, m.LocalAddr(), i.LocalAddr())
	})
}

func TestSendLag(t *testing.T) {
	impaired(t, Conditions{Send: Settings{Lag: 50 * time.Millisecond}}, func(t *testing.T, i *Impaired, m *memConn) {
		begin := time.Now()
		write(t, i, "a", "b")
		time.Sleep(20 * time.Millisecond) // virtual
		write(t, i, "c")
		require.Empty(t, m.take())
		require.Equal(t, 3, i.Stats().Send.UnderWay)
		time.Sleep(time.Second)
		require.Equal(t, []memSent{
			{begin.Add(50 * time.Millisecond), memPeer, "a"},
			{begin.Add(50 * time.Millisecond), memPeer, "b"},
			{begin.Add(70 * time.Millisecond), memPeer, "c"},
		}, m.take())
		require.Equal(t, DirectionStats{Stats: impair.Stats{Packets: 3}}, i.Stats().Send)
		require.Equal(t, DirectionStats{}, i.Stats().Recv)
	})
}

func TestReceiveLag(t *testing.T) {
	impaired(t, Conditions{Recv: Settings{Lag: 50 * time.Millisecond}}, func(t *testing.T, i *Impaired, m *memConn) {
		begin := time.Now()
		m.deliver("a", "b")
		go func() {
			time.Sleep(20 * time.Millisecond)
			m.deliver("c")
		}()
		require.Equal(t, []string{"a", "b"}, read(t, i))
		require.Equal(t, 50*time.Millisecond, time.Since(begin))
		require.Equal(t, []string{"c"}, read(t, i))
		require.Equal(t, 70*time.Millisecond, time.Since(begin))
		require.Equal(t, DirectionStats{Stats: impair.Stats{Packets: 3}}, i.Stats().Recv)
	})
}

// A packet that comes while an earlier one is delayed longer is delivered first.
func TestReceiveWaitsForTheEarliest(t *testing.T) {
	impaired(t, Conditions{Recv: Settings{Lag: time.Second}}, func(t *testing.T, i *Impaired, m *memConn) {
		begin := time.Now()
		m.deliver("late")
		go func() {
			time.Sleep(10 * time.Millisecond)
			i.Configure(Conditions{Recv: Settings{Lag: 5 * time.Millisecond}})
			m.deliver("early")
		}()
		require.Equal(t, []string{"early"}, read(t, i))
		require.Equal(t, 15*time.Millisecond, time.Since(begin))
		require.Equal(t, []string{"late"}, read(t, i))
		require.Equal(t, time.Second, time.Since(begin))
	})
}

func TestDelayedDatagramsFillSeveralBatches(t *testing.T) {
	impaired(t, Conditions{Recv: Settings{Lag: time.Millisecond}}, func(t *testing.T, i *Impaired, m *memConn) {
		var want, got []string
		for n := range 20 {
			want = append(want, fmt.Sprint(n))
		}
		m.deliver(want[:8]...)
		require.Equal(t, want[:8], read(t, i))
		m.deliver(want[8:]...)
		for len(got) < 12 {
			got = append(got, read(t, i)...)
		}
		require.Equal(t, want[8:], got)
	})
}

// The fate of every datagram is what impair.Link decides with the same seed.
func TestFatesComeFromTheSeed(t *testing.T) {
	bad := Settings{
		Loss: 0.2, Lag: 10 * time.Millisecond, JitterOdds: 0.5, JitterAvg: 5 * time.Millisecond, JitterMax: 50 * time.Millisecond,
		Reorder: 0.1, ReorderDelay: 20 * time.Millisecond, Duplicate: 0.2, DuplicateMax: 10 * time.Millisecond,
		Rate: 20_000, Burst: 1000,
	}
	impaired(t, Conditions{Send: bad, Recv: bad, Seed: seed}, func(t *testing.T, i *Impaired, m *memConn) {
		require.Equal(t, uint64(seed), i.Seed())
		const n = 500
		begin := time.Now()
		start := i.now()
		payload := func(k int) string { return fmt.Sprintf("%04d%s", k, strings.Repeat(".", 30)) }
		expect := func(seed uint64) []memSent {
			q := impair.NewQueue[string](1<<20, 1<<20)
			link := impair.NewLink(bad, seed)
			for k := range n {
				for _, at := range link.Apply(start.Add(time.Duration(k)*time.Millisecond), len(payload(k)), nil) {
					require.True(t, q.Push(at, 0, payload(k)))
				}
			}
			var want []memSent
			for q.Len() > 0 {
				p, at, _ := q.Pop(mono.Never)
				want = append(want, memSent{begin.Add(at.Sub(start)), memPeer, p})
			}
			require.Greater(t, len(want), n/4)
			require.NotEqual(t, n, len(want))
			return want
		}

		var received []memSent
		var reader sync.WaitGroup
		reader.Go(func() {
			for {
				var b Batch
				if err := i.ReadBatch(&b); err != nil {
					return
				}
				for _, d := range b.Datagrams {
					received = append(received, memSent{time.Now(), d.Addr, string(d.Data)})
				}
			}
		})
		for k := range n {
			write(t, i, payload(k))
			m.deliver(payload(k))
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		require.NoError(t, i.Close())
		reader.Wait()
		require.Equal(t, expect(seed), m.take())
		require.Equal(t, expect(seed+1), received)
	})
}

func TestJitterAloneNeverReordersSends(t *testing.T) {
	c := Conditions{Send: Settings{JitterOdds: 0.3, JitterAvg: 10 * time.Millisecond, JitterMax: time.Second}, Seed: seed}
	impaired(t, c, func(t *testing.T, i *Impaired, m *memConn) {
		for n := range 1000 {
			write(t, i, fmt.Sprintf("%04d", n))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		sent := m.take()
		require.Len(t, sent, 1000)
		for n, s := range sent {
			require.Equal(t, fmt.Sprintf("%04d", n), s.data)
		}
	})
}

func TestBuffersOfTheCallerAreFreeAfterWriting(t *testing.T) {
	impaired(t, Conditions{Send: Settings{Lag: time.Millisecond, Duplicate: 1}, Seed: seed}, func(t *testing.T, i *Impaired, m *memConn) {
		data := []byte("first")
		for range 3 { // the second and third reuse buffers of the ones before
			b := []Datagram{{memPeer, data}}
			_, err := i.WriteBatch(b)
			require.NoError(t, err)
			copy(data, "xxxxx")
			time.Sleep(10 * time.Millisecond)
			for _, s := range m.take() {
				require.Equal(t, "first", s.data)
			}
			copy(data, "first")
		}
		require.Equal(t, uint64(3), i.Stats().Send.Duplicated)

		large := strings.Repeat("L", 3*BufferSize)
		write(t, i, large)
		time.Sleep(10 * time.Millisecond)
		require.Equal(t, large, m.take()[0].data)
	})
}

func TestConditionsChangeWhileAReaderWaits(t *testing.T) {
	impaired(t, Conditions{}, func(t *testing.T, i *Impaired, m *memConn) {
		begin := time.Now()
		go func() {
			time.Sleep(time.Millisecond)
			i.Configure(Conditions{Recv: Settings{Lag: 10 * time.Millisecond}})
			m.deliver("a")
		}()
		require.Equal(t, []string{"a"}, read(t, i))
		require.Equal(t, 11*time.Millisecond, time.Since(begin))
	})
}

func TestConditionsTakenAwayLeaveTheDirectPath(t *testing.T) {
	bad := Settings{Lag: 10 * time.Millisecond}
	impaired(t, Conditions{Send: bad, Recv: bad}, func(t *testing.T, i *Impaired, m *memConn) {
		begin := time.Now()
		write(t, i, "delayed")
		m.deliver("delayed")
		time.AfterFunc(time.Millisecond, func() {
			i.Configure(Conditions{})
			write(t, i, "at once")
		})
		require.Equal(t, []string{"delayed"}, read(t, i))
		time.Sleep(time.Millisecond)
		require.Equal(t, []memSent{
			{begin.Add(time.Millisecond), memPeer, "at once"},
			{begin.Add(10 * time.Millisecond), memPeer, "delayed"},
		}, m.take())

		m.deliver("next")
		require.Equal(t, []string{"next"}, read(t, i))
		before := i.Stats()
		for range 3 {
			write(t, i, "direct")
			m.deliver("direct")
			require.Equal(t, []string{"direct"}, read(t, i))
		}
		require.Equal(t, before, i.Stats(), "nothing is simulated any more")
		require.Len(t, m.take(), 3)
		require.True(t, m.deadline.IsZero())

		i.Configure(Conditions{Send: bad})
		write(t, i, "delayed again")
		require.Empty(t, m.take())
		time.Sleep(time.Second)
		require.Len(t, m.take(), 1)
	})
}

func TestLossAloneLeavesTheDirectPathWhenTakenAway(t *testing.T) {
	impaired(t, Conditions{Send: Settings{Loss: 1}}, func(t *testing.T, i *Impaired, m *memConn) {
		write(t, i, "lost")
		i.Configure(Conditions{})
		write(t, i, "a")
		write(t, i, "b")
		require.Len(t, m.take(), 2)
		require.Equal(t, uint64(2), i.Stats().Send.Packets)
	})
}

func TestReadDeadlineWithDelayedDatagrams(t *testing.T) {
	impaired(t, Conditions{Recv: Settings{Lag: 50 * time.Millisecond}}, func(t *testing.T, i *Impaired, m *memConn) {
		begin := time.Now()
		expect := func(err error, after time.Duration) {
			t.Helper()
			require.ErrorIs(t, i.ReadBatch(&Batch{}), err)
			require.Equal(t, after, time.Since(begin))
		}
		m.deliver("a")
		require.NoError(t, i.SetReadDeadline(begin.Add(20*time.Millisecond)))
		expect(os.ErrDeadlineExceeded, 20*time.Millisecond)
		expect(os.ErrDeadlineExceeded, 20*time.Millisecond)
		require.NoError(t, i.SetReadDeadline(begin.Add(time.Second)))
		require.Equal(t, []string{"a"}, read(t, i))
		require.Equal(t, 50*time.Millisecond, time.Since(begin))
		expect(os.ErrDeadlineExceeded, time.Second)

		require.NoError(t, i.SetReadDeadline(time.Time{}))
		m.deliver("b")
		require.Equal(t, []string{"b"}, read(t, i))
		require.Equal(t, 1050*time.Millisecond, time.Since(begin))

		go func() {
			time.Sleep(time.Second)
			require.NoError(t, i.SetReadDeadline(time.Unix(1, 0)))
		}()
		expect(os.ErrDeadlineExceeded, 2050*time.Millisecond)

		require.NoError(t, i.SetReadDeadline(begin.Add(3*time.Second)))
		i.Configure(Conditions{})
		expect(os.ErrDeadlineExceeded, 3*time.Second)
	})
}

func TestCloseLosesWhatIsUnderWay(t *testing.T) {
	bad := Settings{Lag: time.Second}
	impaired(t, Conditions{Send: bad, Recv: bad}, func(t *testing.T, i *Impaired, m *memConn) {
		write(t, i, "a")
		m.deliver("a")
		ended := make(chan error)
		go func() {
			ended <- i.ReadBatch(&Batch{})
		}()
		time.Sleep(time.Millisecond)
		require.NoError(t, i.Close())
		require.Equal(t, net.ErrClosed, <-ended)
		require.True(t, m.closed)
		time.Sleep(2 * time.Second)
		require.Empty(t, m.take())

		require.NoError(t, i.Close(), "closing again")
		require.Equal(t, net.ErrClosed, i.ReadBatch(&Batch{}))
		_, err := i.WriteBatch([]Datagram{{memPeer, []byte("x")}})
		require.Equal(t, net.ErrClosed, err)
	})
}

func TestConnClosedBelow(t *testing.T) {
	impaired(t, Conditions{Send: Settings{Lag: time.Millisecond}}, func(t *testing.T, i *Impaired, m *memConn) {
		write(t, i, "a")
		require.NoError(t, m.Close())
		time.Sleep(time.Second) // the goroutine has met the error
		n, err := i.WriteBatch([]Datagram{{memPeer, []byte("b")}})
		require.NoError(t, err) // under way
		require.Equal(t, 1, n)
		time.Sleep(time.Second)
		_, err = i.WriteBatch([]Datagram{{memPeer, []byte("c")}})
		require.Equal(t, net.ErrClosed, err)
	})
}

func TestMemoryOfDelayedDatagramsIsBounded(t *testing.T) {
	impaired(t, Conditions{Send: Settings{Lag: time.Second}}, func(t *testing.T, i *Impaired, m *memConn) {
		const most = maxDelayed / BufferSize
		b := make([]Datagram, 1000)
		for k := range b {
			b[k] = Datagram{memPeer, []byte("x")}
		}
		for range most/len(b) + 2 {
			n, err := i.WriteBatch(b)
			require.NoError(t, err)
			require.Equal(t, len(b), n)
		}
		stats := i.Stats().Send
		require.Equal(t, most, stats.UnderWay)
		require.Equal(t, stats.Packets, uint64(most)+stats.Overflowed)
		time.Sleep(2 * time.Second)
		require.Len(t, m.take(), most)
		require.Len(t, i.send.free, maxFree)
	})
}

func TestSeedIsChosenAtRandomUnlessGiven(t *testing.T) {
	t.Parallel()
	a, b := Impair(newMemConn(), Conditions{}), Impair(newMemConn(), Conditions{})
	require.NotZero(t, a.Seed())
	require.NotEqual(t, a.Seed(), b.Seed())
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
}

// The rest runs on real sockets and the real clock.

func TestImpairedLoopbackLosesAndDuplicatesAsTheSeedSays(t *testing.T) {
	t.Parallel()
	lossy := Settings{Loss: 0.2, Lag: 2 * time.Millisecond, Duplicate: 0.1, DuplicateMax: time.Millisecond}
	twice := Settings{Lag: time.Millisecond, Duplicate: 0.3}
	server := Impair(mustListen(t, "[::]:0", Options{}), Conditions{Recv: twice, Seed: seed + 100})
	client := Impair(mustListen(t, "127.0.0.1:0", Options{}), Conditions{Send: lossy, Seed: seed})
	defer server.Close()
	defer client.Close()

	// What must happen: the number of copies of a datagram does not depend on the time.
	sends, receives := impair.NewLink(lossy, seed), impair.NewLink(twice, server.Seed()+1)
	const chunks, each = 20, 50 // few at a time, so that the system loses none
	for chunk := range chunks {
		var out []Datagram
		sent := map[string]int{}
		arrivals := 0
		for n := range each {
			p := fmt.Sprint(chunk, " ", n)
			out = append(out, Datagram{at("127.0.0.1", server), []byte(p)})
			for range sends.Apply(1, len(p), nil) {
				sent[p]++
				arrivals += len(receives.Apply(1, len(p), nil))
			}
		}
		n, err := client.WriteBatch(out)
		require.NoError(t, err)
		require.Equal(t, each, n)
		for _, d := range receive(t, server, arrivals) {
			require.NotZero(t, sent[string(d.Data)], "%q was lost", d.Data)
		}
	}
	require.Equal(t, sends.Stats(), client.Stats().Send.Stats)
	require.Equal(t, receives.Stats(), server.Stats().Recv.Stats)
	require.InDelta(t, 0.2*chunks*each, float64(sends.Stats().Lost), 4*math.Sqrt(0.2*0.8*chunks*each))
}

func TestImpairedConcurrentUse(t *testing.T) {
	t.Parallel()
	bad := Settings{Loss: 0.1, Lag: time.Millisecond, JitterOdds: 0.5, JitterAvg: time.Millisecond, JitterMax: 5 * time.Millisecond, Duplicate: 0.1}
	i := Impair(mustListen(t, "[::]:0", Options{}), Conditions{Send: bad, Recv: bad, Seed: seed})
	to := at("127.0.0.1", i)
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for b := new(Batch); ; {
				if err := i.ReadBatch(b); err != nil {
					if err != net.ErrClosed {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	for range 3 {
		writers.Go(func() {
			for range 200 {
				if _, err := i.WriteBatch([]Datagram{{to, make([]byte, 100)}, {to, make([]byte, 1200)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Go(func() {
		for n := range 100 {
			c := Conditions{Send: bad, Recv: bad}
			if n%2 == 0 {
				c = Conditions{}
			}
			i.Configure(c)
			_ = i.Stats()
		}
	})
	writers.Wait()
	require.NoError(t, i.Close())
	readers.Wait()
}
