package simnet

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

const start = mono.Time(time.Hour)

var (
	addrA  = netip.MustParseAddrPort("192.0.2.1:1000")
	addrA2 = netip.MustParseAddrPort("192.0.2.1:1001")
	addrA3 = netip.MustParseAddrPort("192.0.2.1:1002")
	addrB  = netip.MustParseAddrPort("192.0.2.2:2000")
)

func twoHosts(t testing.TB, seed uint64) (n *Network, a, b *Host) {
	n = New(seed)
	a, err := n.AddHost(addrA)
	require.NoError(t, err)
	b, err = n.AddHost(addrB)
	require.NoError(t, err)
	return n, a, b
}

// arrival is a Datagram in short: milliseconds since start and the contents.
type arrival struct {
	ms   float64
	from netip.AddrPort
	data string
}

// arrivals lets time pass until nothing is under way.
func arrivals(n *Network) (all []arrival) {
	for n.Deadline() != mono.Never {
		now := n.Deadline()
		for d, ok := n.Next(now); ok; d, ok = n.Next(now) {
			all = append(all, arrival{float64(d.At.Sub(start)) / 1e6, d.From, string(d.Data)})
		}
	}
	return all
}

// send sends one datagram per letter of text, one each millisecond.
func send(n *Network, from *Host, to netip.AddrPort, text string) {
	for i, letter := range text {
		n.Send(start.Add(time.Duration(i)*time.Millisecond), from, to, []byte(string(letter)))
	}
}

func text(all []arrival) (s string) {
	for _, a := range all {
		s += a.data
	}
	return s
}

func fates(n *Network) (f []Fate) {
	for _, e := range n.Trace() {
		f = append(f, e.Fate)
	}
	return f
}

func TestPerfectNetworkDeliversAtOnceAndInOrder(t *testing.T) {
	t.Parallel()
	n, a, _ := twoHosts(t, 1)
	send(n, a, addrB, "abc")
	require.Equal(t, 3, n.UnderWay())
	require.Equal(t, uint64(3), n.Sends())
	require.Equal(t, start, n.Deadline())
	require.Equal(t, []arrival{{0, addrA, "a"}, {1, addrA, "b"}, {2, addrA, "c"}}, arrivals(n))
	require.Zero(t, n.UnderWay())
	require.Equal(t, mono.Never, n.Deadline())
}

func TestNothingArrivesBeforeItsTime(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{Settings: impair.Settings{Lag: 10 * time.Millisecond}})
	send(n, a, addrB, "a")
	_, ok := n.Next(start.Add(10*time.Millisecond - 1))
	require.False(t, ok)
	d, ok := n.Next(start.Add(time.Second))
	require.True(t, ok)
	require.Equal(t, Datagram{At: start.Add(10 * time.Millisecond), From: addrA, To: b, Data: []byte("a")}, d)
}

func TestDirectionsHaveTheirOwnConditions(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{Settings: impair.Settings{Lag: 30 * time.Millisecond}})
	n.SetPath(b, a, Path{Settings: impair.Settings{Lag: 5 * time.Millisecond}})
	send(n, a, addrB, "a")
	send(n, b, addrA, "b")
	require.Equal(t, []arrival{{5, addrB, "b"}, {30, addrA, "a"}}, arrivals(n))
}

func TestSenderMayReuseItsBuffer(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{Settings: impair.Settings{Duplicate: 1}})
	data := []byte("x")
	n.Send(start, a, addrB, data)
	data[0] = '!'
	d, ok := n.Next(start)
	require.True(t, ok)
	require.Equal(t, "x", string(d.Data))
	d.Data[0] = '?' // as decryption in place does
	d, ok = n.Next(n.Deadline())
	require.True(t, ok)
	require.Equal(t, "x", string(d.Data), "the copy is not affected")
	require.Equal(t, []Fate{Duplicated}, fates(n))
}

func TestLargeDatagramsVanish(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{MTU: 3})
	n.Send(start, a, addrB, []byte("four"))
	n.Send(start, a, addrB, []byte("two"))
	require.Equal(t, "two", text(arrivals(n)))
	require.Equal(t, []Fate{TooBig, Sent}, fates(n))
}

func TestCutIsHalfOpenAndOneWay(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{Settings: impair.Settings{Lag: time.Second}})
	n.Cut(a, b, start.Add(time.Millisecond), start.Add(3*time.Millisecond))
	send(n, a, addrB, "abcd")
	send(n, b, addrA, "ABCD")
	require.Equal(t, "ABCDad", text(arrivals(n)))
	require.Equal(t, uint64(2), n.Count(Cut))
}

func TestPartitionCutsBothWays(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.Partition(a, b, start, start.Add(2*time.Millisecond))
	send(n, a, addrB, "abc")
	send(n, b, addrA, "ABC")
	require.Equal(t, "cC", text(arrivals(n)))
	require.Equal(t, uint64(4), n.Count(Cut))
}

func TestRateLimitDelaysAndThenDropsTheTail(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	// One byte each 10 ms, of which three may wait.
	n.SetPath(a, b, Path{Settings: impair.Settings{Rate: 100, Burst: 1, Backlog: 3}})
	for _, letter := range "abcdefg" {
		n.Send(start, a, addrB, []byte(string(letter)))
	}
	require.Equal(t, []arrival{{0, addrA, "a"}, {0, addrA, "b"}, {10, addrA, "c"}, {20, addrA, "d"}}, arrivals(n))
	require.Equal(t, []Fate{Sent, Sent, Sent, Sent, QueueFull, QueueFull, QueueFull}, fates(n))
}

func TestLossComesInBursts(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 7)
	n.SetPath(a, b, Path{Bursts: Bursts{Enter: 0.01, Leave: 0.1, Loss: 1}})
	const count = 20000
	bursts, before := 0, false
	for i := range count {
		lostSoFar := n.Count(LostInBurst)
		n.Send(start.Add(time.Duration(i)), a, addrB, []byte{1})
		lost := n.Count(LostInBurst) > lostSoFar
		if lost && !before {
			bursts++
		}
		before = lost
		require.Equal(t, !lost, len(arrivals(n)) == 1)
	}
	// The share of the bad state is Enter/(Enter+Leave), the mean length of a burst 1/Leave.
	lost := float64(n.Count(LostInBurst))
	require.InDelta(t, 1./11, lost/count, 0.02)
	require.InDelta(t, 10, lost/float64(bursts), 1.5)
}

func TestScatterReorders(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{Scatter: 20 * time.Millisecond})
	const sent = "abcdefghijklmnopqrstuvwxyz"
	send(n, a, addrB, sent)
	all := arrivals(n)
	require.NotEqual(t, sent, text(all))
	require.Len(t, all, len(sent))
	for _, arrived := range all {
		delay := arrived.ms - float64(arrived.data[0]-'a')
		require.GreaterOrEqual(t, delay, 0.)
		require.LessOrEqual(t, delay, 20.)
	}
}

func TestRebindingChangesTheSourceAndStrandsWhatIsSentToTheOldAddress(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(b, a, Path{Settings: impair.Settings{Lag: 3 * time.Millisecond}})
	require.NoError(t, n.Rebind(a, start.Add(5*time.Millisecond), addrA2))
	require.Equal(t, addrA, a.Addr(start.Add(5*time.Millisecond-1)))
	require.Equal(t, addrA2, a.Addr(start.Add(5*time.Millisecond)))

	send(n, b, addrA, "ABCD") // C and D arrive too late
	n.Send(start, a, addrB, []byte("a"))
	n.Send(start.Add(6*time.Millisecond), a, addrB, []byte("b"))
	n.Send(start.Add(6*time.Millisecond), b, addrA2, []byte("E"))
	require.Equal(t, []arrival{{0, addrA, "a"}, {3, addrB, "A"}, {4, addrB, "B"}, {6, addrA2, "b"}, {9, addrB, "E"}}, arrivals(n))
	require.Equal(t, uint64(2), n.Count(Unreachable))
}

func TestUnknownAddressIsUnreachable(t *testing.T) {
	t.Parallel()
	n, a, _ := twoHosts(t, 1)
	send(n, a, addrA2, "a")
	require.Empty(t, arrivals(n))
	require.Equal(t, []Entry{{At: start, From: addrA, To: addrA2, Size: 1, Fate: Unreachable}}, n.Trace())
}

func TestAddressesBelongToOneHost(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	_, err := n.AddHost(addrA)
	require.EqualError(t, err, "simnet: address 192.0.2.1:1000 belongs to another host")
	require.Error(t, n.Rebind(b, start, addrA))
	require.NoError(t, n.Rebind(a, start, addrA2))
	require.Error(t, n.Rebind(a, start, addrA))
	require.NoError(t, n.Rebind(a, start.Add(1), addrA), "back again")
	require.Equal(t, addrA, a.Addr(start.Add(1)))
}

func TestTraceKeepsTheLatest(t *testing.T) {
	t.Parallel()
	n, a, _ := twoHosts(t, 1)
	for i := range TraceLen + 5 {
		n.Send(start.Add(time.Duration(i)), a, addrB, make([]byte, i))
	}
	entries := n.Trace()
	require.Len(t, entries, TraceLen)
	for i, e := range entries {
		require.Equal(t, i+5, e.Size)
	}
	require.Equal(t, uint64(TraceLen+5), n.Count(Sent))
	require.Equal(t, " 3600.000002 192.0.2.1:1000 -> 192.0.2.2:2000  700 bytes DUPLICATED +0s +1µs",
		Entry{At: start.Add(2 * time.Microsecond), From: addrA, To: addrB, Size: 700, Fate: Duplicated,
			Due: [2]mono.Time{start.Add(2 * time.Microsecond), start.Add(3 * time.Microsecond)}}.String())
	require.Equal(t, "Fate(99)", Fate(99).String())
	require.Zero(t, n.Count(Fate(99)))
}

func TestSameSeedSameRun(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, contents string) ([]Entry, []arrival, uint64) {
		n, a, b := twoHosts(t, seed)
		bad := Path{
			Settings: impair.Settings{Loss: 0.2, Lag: time.Millisecond, JitterOdds: 0.5, JitterAvg: time.Millisecond, JitterMax: time.Second,
				Reorder: 0.1, ReorderDelay: 5 * time.Millisecond, Duplicate: 0.2, DuplicateMax: 3 * time.Millisecond},
			Bursts: Bursts{0.05, 0.2, 0.9}, Scatter: time.Millisecond,
		}
		n.SetPath(a, b, bad)
		n.SetPath(b, a, bad)
		send(n, a, addrB, contents)
		send(n, b, addrA, contents)
		all := arrivals(n)
		return n.Trace(), all, n.Digest()
	}
	contents := "the quick brown fox jumps over the lazy dog"
	trace1, arrivals1, digest1 := run(5, contents)
	trace2, arrivals2, digest2 := run(5, contents)
	require.Equal(t, trace1, trace2)
	require.Equal(t, arrivals1, arrivals2)
	require.Equal(t, digest1, digest2)

	trace3, _, digest3 := run(6, contents)
	require.NotEqual(t, trace1, trace3)
	require.NotEqual(t, digest1, digest3)

	trace4, _, digest4 := run(5, "The quick brown fox jumps over the lazy dog")
	require.Equal(t, trace1, trace4)
	require.NotEqual(t, digest1, digest4, "contents count")
	require.NotEqual(t, trace1[:43], trace1[43:], "directions are independent")
}

func TestNeighborsShareTheirPathsAndHaveAddressesOfTheirOwn(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{Settings: impair.Settings{Lag: 3 * time.Millisecond}})
	a2, err := n.AddBeside(a, addrA2)
	require.NoError(t, err)
	a3, err := n.AddBeside(a2, addrA3)
	require.NoError(t, err)
	require.True(t, a3.Beside(a))
	require.False(t, a3.Beside(b))
	n.Send(start, a3, addrB, []byte("x"))
	n.Send(start, b, addrA3, []byte("y"))
	n.Send(start, a, addrA2, []byte("z")) // to a neighbor, at once
	require.Equal(t, []arrival{{0, addrB, "y"}, {0, addrA, "z"}, {3, addrA3, "x"}}, arrivals(n))
	n.Cut(a2, b, start, start.Add(time.Second))
	n.Send(start, a, addrB, nil)
	require.Equal(t, uint64(1), n.Count(Cut))
	_, err = n.AddBeside(a, addrB)
	require.EqualError(t, err, "simnet: address 192.0.2.2:2000 belongs to another host")
}

func TestRemovedHostIsUnreachable(t *testing.T) {
	t.Parallel()
	n, a, b := twoHosts(t, 1)
	n.SetPath(a, b, Path{Settings: impair.Settings{Lag: time.Millisecond}})
	send(n, a, addrB, "a")
	n.Remove(b)
	send(n, a, addrB, "b")
	require.Empty(t, arrivals(n))
	require.Equal(t, uint64(2), n.Count(Unreachable))
	b2, err := n.AddHost(addrB)
	require.NoError(t, err)
	n.Remove(b) // again: it leaves b2 alone
	send(n, a, addrB, "c")
	d, ok := n.Next(start)
	require.True(t, ok)
	require.Same(t, b2, d.To)
}
