package peer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var sorts = Traffic{
	Seed: 3,
	Classes: []Class{
		{Flags: Reliable, Min: 0, Max: 30, Share: 3},
		{Flags: Unreliable, Min: 100, Max: 2000, Share: 1},
		{Flags: Reliable | NoNagle, Min: 5000, Max: 5000, Share: 1},
	},
}

// Lane and number are enough to know a message, and the shares and sizes are those that were asked for.
func TestTrafficAt(t *testing.T) {
	t.Parallel()
	const n = 5000
	counts := map[int]int{}
	for _, lane := range []int{0, 7} {
		for number := int64(1); number <= n; number++ {
			m := sorts.At(lane, number)
			require.Equal(t, m, sorts.At(lane, number))
			require.Equal(t, lane, m.Lane)
			counts[m.Flags]++
			switch m.Flags {
			case Reliable:
				require.LessOrEqual(t, m.Size, 30)
			case Unreliable:
				require.GreaterOrEqual(t, m.Size, 100)
				require.LessOrEqual(t, m.Size, 2000)
			default:
				require.Equal(t, 5000, m.Size)
			}
		}
	}
	require.InDelta(t, 0.6, float64(counts[Reliable])/(2*n), 0.03)
	require.InDelta(t, 0.2, float64(counts[Unreliable])/(2*n), 0.03)
	require.NotEqual(t, sorts.At(0, 1).Seed, sorts.At(1, 1).Seed)
	require.NotEqual(t, sorts.At(0, 1).Seed, sorts.At(0, 2).Seed)
}

func TestTrafficInTurn(t *testing.T) {
	t.Parallel()
	traffic := sorts
	traffic.InTurn = true
	var flags []int
	for number := int64(1); number <= 6; number++ {
		flags = append(flags, traffic.At(0, number).Flags)
	}
	require.Equal(t, []int{Reliable, Reliable, Reliable, Unreliable, Reliable | NoNagle, Reliable}, flags)
	require.Equal(t, int64(5), traffic.next(0, 3))
	require.Equal(t, int64(1), traffic.next(0, 0))
	require.Zero(t, (&Traffic{Classes: []Class{{Share: 1, Max: 9}}}).next(0, 0), "nothing is reliable")
}

func TestTrafficValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, sorts.valid())
	for _, bad := range []Traffic{
		{},
		{Classes: []Class{{Max: 10}}},
		{Classes: []Class{{Min: 10, Max: 9, Share: 1}}},
		{Classes: []Class{{Min: -1, Max: 9, Share: 1}}},
		{Classes: []Class{{Max: 9, Share: -1}, {Max: 9, Share: 2}}},
	} {
		require.Error(t, bad.valid(), "%+v", bad)
	}
}

// Contents tell when they were sent, and no damage to them goes unnoticed.
func TestStampedContents(t *testing.T) {
	t.Parallel()
	sent := time.UnixMicro(1_700_000_000_123_456)
	now := sent.Add(25 * time.Millisecond)
	for _, size := range []int{0, 1, 7, 8, 9, 511, 512, 520, 521, 3000} {
		m := Outgoing{Size: size, Seed: 99}
		data := m.stamped(sent)
		require.Len(t, data, size)
		age, err := m.age(data, now)
		require.NoError(t, err, "%d bytes", size)
		if size < stampSize {
			require.Equal(t, time.Duration(-1), age, "no room for a time")
		} else {
			require.Equal(t, 25*time.Millisecond, age)
		}
		_, err = m.age(append(data, 0), now)
		require.Error(t, err, "a byte more")
		if size == stampSize {
			continue // nothing but a time, of which any may be true
		}
		for i := range data {
			damaged := append([]byte(nil), data...)
			damaged[i] ^= 0x10
			_, err := m.age(damaged, now)
			require.Error(t, err, "byte %d of %d", i, size)
		}
	}
}

// arrival is a message as its sender made it.
func arrival(traffic *Traffic, lane int, number int64, sent time.Time) Received {
	m := traffic.At(lane, number)
	return Received{Lane: lane, Number: number, Flags: m.Flags & Reliable, Data: m.stamped(sent)}
}

// The kinds on each lane, by number: reliable, unreliable, reliable, unreliable, …
var alternating = Traffic{
	Seed:    1,
	InTurn:  true,
	Classes: []Class{{Flags: Reliable, Min: 20, Max: 90, Share: 1}, {Min: 8, Max: 50, Share: 1}},
}

func TestChecker(t *testing.T) {
	t.Parallel()
	type at struct {
		lane   int
		number int64
	}
	for _, row := range []struct {
		name     string
		arrivals []at
		sent     map[int]int64
		change   func(m *Received) // the last arrival
		err      string
		missing  string
	}{
		{name: "everything", arrivals: []at{{0, 1}, {0, 2}, {0, 3}, {0, 4}}, sent: map[int]int64{0: 4}},
		{name: "lanes do not wait for each other", arrivals: []at{{5, 1}, {0, 1}, {5, 3}}, sent: map[int]int64{0: 2, 5: 4}},
		{name: "unreliable ones may be lost or late", arrivals: []at{{0, 4}, {0, 1}, {0, 3}, {0, 2}, {0, 5}}, sent: map[int]int64{0: 6}},
		{name: "nothing was sent", sent: map[int]int64{}},
		{name: "the last reliable one is missing", arrivals: []at{{0, 1}, {0, 2}}, sent: map[int]int64{0: 3},
			missing: "lane 0: reliable message 3 of 3 has not arrived"},
		{name: "all of a lane is missing", arrivals: []at{{0, 1}}, sent: map[int]int64{0: 2, 3: 1},
			missing: "lane 3: reliable message 1 of 1 has not arrived"},
		{name: "more than was sent", arrivals: []at{{0, 1}, {0, 4}}, sent: map[int]int64{0: 2},
			missing: "lane 0: message 4 arrived, but 2 were sent"},
		{name: "one is left out", arrivals: []at{{0, 1}, {0, 5}}, err: "lane 0, message 5: reliable message 3 is missing before it"},
		{name: "a reliable one twice", arrivals: []at{{0, 1}, {0, 1}}, err: "lane 0, message 1: reliable, but after a later one or twice: 3 is next"},
		{name: "an unreliable one twice", arrivals: []at{{2, 2}, {2, 2}}, err: "lane 2, message 2: arrived twice"},
		{name: "reliability changed", arrivals: []at{{0, 2}}, change: func(m *Received) { m.Flags = Reliable }, err: "flags 8, sent with 0"},
		{name: "contents changed", arrivals: []at{{0, 1}}, change: func(m *Received) { m.Data[19] ^= 1 }, err: "contents differ"},
		{name: "length changed", arrivals: []at{{0, 1}}, change: func(m *Received) { m.Data = m.Data[1:] }, err: "bytes, sent with"},
		{name: "on another lane", arrivals: []at{{0, 1}}, change: func(m *Received) { m.Lane = 1 }, err: "lane 1, message 1"},
		{name: "without a number", arrivals: []at{{0, 1}}, change: func(m *Received) { m.Number = 0 }, err: "no number"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := newChecker(alternating)
			require.Nil(t, c.result(), "not known what to expect")
			now := time.Now()
			for i, a := range row.arrivals {
				m := arrival(&alternating, a.lane, a.number, now)
				if i == len(row.arrivals)-1 && row.change != nil {
					row.change(&m)
				}
				c.add(m, now)
			}
			if row.err != "" {
				require.ErrorContains(t, c.err, row.err)
				require.Contains(t, c.result().Error, row.err, "told at once")
				require.Nil(t, c.result(), "and once")
				return
			}
			require.NoError(t, c.err)
			c.expect = row.sent
			require.Equal(t, row.missing, c.missing())
			if row.missing != "" {
				require.Nil(t, c.result())
				return
			}
			done := c.result()
			require.Equal(t, evCheck, done.Kind)
			require.Empty(t, done.Error)
			require.EqualValues(t, len(row.arrivals), done.Tally.Reliable+done.Tally.Unreliable)
			require.Nil(t, c.result())
		})
	}
}

func TestCheckerTally(t *testing.T) {
	t.Parallel()
	c := newChecker(alternating)
	now := time.Now()
	bytes := 0
	for n := int64(1); n <= 200; n++ {
		m := arrival(&alternating, 0, n, now.Add(-time.Duration(n)*time.Millisecond))
		bytes += len(m.Data)
		c.add(m, now)
	}
	require.NoError(t, c.err)
	got := c.tally()
	require.Equal(t, int64(100), got.Reliable)
	require.Equal(t, int64(100), got.Unreliable)
	require.Equal(t, int64(bytes), got.Bytes)
	// Reliable messages took 1, 3, … 199 ms, unreliable ones 2, 4, … 200; times are kept in microseconds.
	require.InDelta(t, 99_000, got.ReliableDelay.P50, 1)
	require.InDelta(t, 197_000, got.ReliableDelay.P99, 1)
	require.InDelta(t, 199_000, got.ReliableDelay.Max, 1)
	require.InDelta(t, 200_000, got.UnreliableDelay.Max, 1)
}

// A load goes on until its time is over, keeps the queue at the limit, and numbers on where the previous
// one ended; what a receiver is told of it is complete.
func TestServeTraffic(t *testing.T) {
	t.Parallel()
	sc := &script{room: 100}
	s := newSession(t, sc)
	load := Load{Traffic: alternating, Active: 1, Queue: 300}
	sent := map[int]int64{}
	for id := 1; id <= 2; id++ {
		sc.queued = &Status{Ping: 12, PendingReliable: 100, SentUnacked: 100}
		s.command(Command{ID: id, Do: "traffic", Conn: scriptConn, Load: &load})
		s.want(Event{Kind: evReply, ID: id})
		done := s.next()
		require.Equal(t, evTraffic, done.Kind)
		require.Empty(t, done.Error)
		require.Equal(t, 12, done.Status.Ping)
		require.Greater(t, done.Sent[0], sent[0], "it goes on")
		sent = done.Sent

		// The queue is not empty yet, so the next event is the answer to another command.
		s.command(Command{ID: 10, Do: "totals", Conn: scriptConn})
		s.want(Event{Kind: evReply, ID: 10, Totals: &Totals{SentPackets: 9}})
		s.command(Command{ID: 11, Do: "config", Text: "drain"})
		s.want(Event{Kind: evReply, ID: 11, Error: "no such value"})
		s.want(Event{Kind: evDrained, Conn: scriptConn, Status: &Status{}})
	}
	bytes := 0
	for _, m := range sc.sent {
		bytes += len(m.Data)
	}
	require.Positive(t, bytes)

	s.command(Command{ID: 20, Do: "mode", Conn: scriptConn, Mode: Check, Traffic: &load.Traffic})
	s.want(Event{Kind: evReply, ID: 20})
	s.command(Command{ID: 21, Do: "expect", Conn: scriptConn, Sent: sent})
	s.want(Event{Kind: evReply, ID: 21})
	for i := range sc.sent {
		sc.sent[i].Number = int64(i + 1)
	}
	require.Equal(t, map[int]int64{0: int64(len(sc.sent))}, sent)
	sc.incoming = sc.sent
	sc.wake <- struct{}{}
	done := s.next()
	require.Equal(t, evCheck, done.Kind)
	require.Empty(t, done.Error)
	require.EqualValues(t, bytes, done.Tally.Bytes)
	s.command(Command{ID: 22, Do: "tally", Conn: scriptConn})
	tally := s.next()
	require.Equal(t, done.Tally, tally.Tally)
	require.Empty(t, tally.Text, "nothing is missing")
	s.end()
}

func TestServeTrafficRefused(t *testing.T) {
	t.Parallel()
	s := newSession(t, &script{room: 100})
	for i, row := range []struct {
		command Command
		want    string
	}{
		{Command{Do: "traffic", Conn: scriptConn}, "no load"},
		{Command{Do: "traffic", Conn: scriptConn, Load: &Load{}}, "traffic without messages"},
		{Command{Do: "mode", Conn: scriptConn, Mode: Check}, "no traffic to compare with"},
		{Command{Do: "mode", Conn: scriptConn, Mode: Check, Traffic: &Traffic{}}, "traffic without messages"},
		{Command{Do: "expect", Conn: scriptConn}, "messages are not checked"},
		{Command{Do: "tally", Conn: scriptConn}, "messages are not checked"},
	} {
		row.command.ID = i + 1
		s.command(row.command)
		s.want(Event{Kind: evReply, ID: i + 1, Error: row.want})
	}
	s.command(Command{ID: 9, Do: "totals", Conn: 1})
	s.want(Event{Kind: evReply, ID: 9, Error: "result 8", Result: InvalidParam, Totals: &Totals{SentPackets: 9}})

	// A lane that is not there ends the load.
	load := Load{Traffic: alternating, Active: 1000, Queue: 300}
	load.Lanes = []int{5}
	s.command(Command{ID: 10, Do: "traffic", Conn: scriptConn, Load: &load})
	s.want(Event{Kind: evReply, ID: 10})
	done := s.next()
	require.Equal(t, evTraffic, done.Kind)
	require.Equal(t, InvalidParam, done.Result)
	s.want(Event{Kind: evDrained, Conn: scriptConn, Status: &Status{Ping: 12}})
	s.end()
}

// Both libraries' texts, as they wrote them.
func TestTotals(t *testing.T) {
	t.Parallel()
	const valveText = `End-to-end connection: connected
    Current rates:
        Sent:   9.0 pkts/sec   0.0 K/sec
        Recv:   0.0 pkts/sec   0.0 K/sec
    Lifetime stats:
        Totals
            Sent:        829 pkts       1,034,801 bytes
            Recv:        844 pkts       1,027,532 bytes
            Recv w seq:        843 pkts
            Dropped   :         12 pkts   1.40%
            OutOfOrder:          3 pkts   0.40%
            OOOFixed  :          7 pkts   0.00%
            Duplicate :          1 pkts   0.10%
            SeqLurch  :          0 pkts   0.00%
        Ping histogram: (27 total samples)
    Lifetime stats received from remote host:
        Totals
            Sent:        999 pkts       9,999,999 bytes
`
	got, err := parseValveTotals(valveText)
	require.NoError(t, err)
	want := Totals{SentPackets: 829, SentBytes: 1034801, RecvPackets: 844, RecvBytes: 1027532, Dropped: 12, OutOfOrder: 3, Duplicate: 1}
	require.Equal(t, want, got)

	const ourText = `#2437903477 UDP 127.0.0.1:31551
Link, too young for rates:
    ping           0 ms
History of 1s:
    sent           845 packets, 1003.5 KiB
    received       830 packets, 1.5 MiB
    numbered       828
    lost           12 (0.00%)
    out of order   3 (0.00%)
    duplicate      1 (0.00%)
    far off        0 (0.00%)
    Ping histogram, 29 samples:
        to 25 ms              29 100.0%
History of 1s at the peer's end, told 1s ago:
    sent           999 packets, 9 KiB
`
	got, err = parseOurTotals(ourText)
	require.NoError(t, err)
	want = Totals{SentPackets: 845, SentBytes: 1027584, RecvPackets: 830, RecvBytes: 3 << 19, Dropped: 12, OutOfOrder: 3, Duplicate: 1}
	require.Equal(t, want, got)

	_, err = parseValveTotals(ourText)
	require.Error(t, err)
	_, err = parseOurTotals(valveText)
	require.Error(t, err)
}

// A strict peer excuses nothing but what a busy machine causes.
func TestBugLines(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		line            string
		relaxed, strict bool
	}{
		{"[1] Assertion Failed: 1 == 2", true, true},
		{"[1] Invalid lane 9", false, true},
		{"[1] SteamNetworkingSockets service thread waited 60ms for lock", false, false},
		{"[2] Assertion Failed", false, false},
	} {
		require.Equal(t, row.relaxed, isBug(row.line, false, nil), row.line)
		require.Equal(t, row.strict, isBug(row.line, true, nil), row.line)
		require.False(t, isBug(row.line, true, []string{"unheard of", row.line}), row.line)
	}
}
