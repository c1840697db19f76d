package gns

import (
	"context"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/linkstats"
	"github.com/stretchr/testify/require"
)

// unknownLink is a link about which nothing has been measured.
var unknownLink = linkstats.Instantaneous{PingMs: -1, DroppedFraction: -1, WeirdFraction: -1, PeakJitter: -1}

// noHistory is the history of a connection that has just begun.
var noHistory = linkstats.Lifetime{PingPercentiles: [5]int32{-1, -1, -1, -1, -1}, QualityPercentiles: [4]int32{-1, -1, -1, -1}}

func TestDetailedTextOfABusyConnection(t *testing.T) {
	t.Parallel()
	local := linkstats.Lifetime{
		ConnectedSeconds: 3725,
		Counters: linkstats.Counters{SentPackets: 223500, SentBytes: 31_000_000, RecvPackets: 74000, RecvBytes: 5_120_000,
			RecvSequenced: 72000, Dropped: 720, OutOfOrder: 72, Duplicate: 36, Lurch: 1},
		PingHistogram:      [9]uint32{10, 80, 5, 0, 0, 0, 0, 4, 1},
		PingPercentiles:    [5]int32{21, 38, 41, 60, 310},
		QualityHistogram:   [9]uint32{700, 20, 10, 5, 4, 3, 2, 0, 1},
		QualityPercentiles: [4]int32{91, 97, 99, 100},
		JitterHistogram:    [6]uint32{500, 100, 50, 20, 10, 1},
	}
	d := detail{
		Details: conn.Details{
			Status: conn.Status{
				State: conn.StateConnected, PingMs: 39, SendRate: 262144,
				Local: linkstats.Instantaneous{OutPacketsPerSec: 60.04, OutBytesPerSec: 8704, InPacketsPerSec: 20, InBytesPerSec: 999.6,
					PingMs: 38, DroppedFraction: .0125, WeirdFraction: .005, PeakJitter: 4123 * time.Microsecond},
				PendingReliable: 3000, PendingUnreliable: 120, SentUnackedReliable: 1_572_864, QueueTime: 11900 * time.Microsecond,
				Lanes: []conn.LaneStatus{
					{PendingReliable: 3000, SentUnackedReliable: 1_572_864, QueueTime: 11900 * time.Microsecond},
					{PendingUnreliable: 120, QueueTime: -1},
				},
				Drops: conn.Drops{Duplicate: 36, Undecryptable: 2},
			},
			InState: 3725*time.Second + 400*time.Millisecond, LocalAge: 2340 * time.Millisecond,
			Lifetime:  local,
			RemoteAge: 12 * time.Second, Remote: linkstats.Instantaneous{OutPacketsPerSec: 20.1, OutBytesPerSec: 1000,
				InPacketsPerSec: 59.9, InBytesPerSec: 8650, PingMs: 40, DroppedFraction: 0, WeirdFraction: -1, PeakJitter: -1},
			RemoteLifetimeAge: 61 * time.Second, RemoteLifetime: linkstats.Lifetime{
				ConnectedSeconds:    3664,
				Counters:            linkstats.Counters{SentPackets: 73000, SentBytes: 5_000_192, RecvPackets: 220000, RecvBytes: 30_000_128},
				CorrectedOutOfOrder: 3,
				PingHistogram:       [9]uint32{4},
				PingPercentiles:     [5]int32{-1, 20, 21, -1, -1},
				QualityHistogram:    [9]uint32{5},
				QualityPercentiles:  [4]int32{-1, -1, 100, 100},
			},
		},
		description: "#571539458 UDP str:bob@192.0.2.2:27015 'lobby'",
		identity:    GenericString("bob"), auth: PeerAuth{Assurance: AssuranceProven}, remote: netip.MustParseAddrPort("192.0.2.2:27015"),
		cipher: crypto.CipherAES256GCM, unread: 3,
	}
	require.Equal(t, strings.TrimPrefix(`
#571539458 UDP str:bob@192.0.2.2:27015 'lobby'
State: connected for 1h2m5s
Peer: str:bob, authenticated, at 192.0.2.2:27015
Cipher: AES_256_GCM
Link, measured 2.3s ago:
    sent           60.0 packets/s, 8.5 KiB/s
    received       20.0 packets/s, 1000 B/s
    ping           39 ms, worst jitter 4.1ms
    quality        98.2% (1.2% lost, 0.5% out of sequence)
    may send       256.0 KiB/s
    waiting        2.9 KiB reliable, 120 B unreliable
    unacknowledged 1.5 MiB reliable
    queue time     11.9ms
Received messages that the application has not read: 3
Lanes:
    0              2.9 KiB reliable and 0 B unreliable waiting, 1.5 MiB unacknowledged, queue time 11.9ms
    1              0 B reliable and 120 B unreliable waiting, 0 B unacknowledged
History of 1h2m5s:
    sent           223500 packets, 29.6 MiB
    received       74000 packets, 4.9 MiB
    numbered       72000
    lost           720 (0.99%)
    out of order   72 (0.10%)
    duplicate      36 (0.05%)
    far off        1 (0.00%)
    Ping histogram, 100 samples:
        to 25 ms              10  10.0%
        to 50 ms              80  80.0%
        to 75 ms               5   5.0%
        to 300 ms              4   4.0%
        over 300 ms            1   1.0%
        percentiles     5th 21 ms, 50th 38 ms, 75th 41 ms, 95th 60 ms, 98th 310 ms
    Quality histogram, 745 samples:
        flawless             700  94.0%
        from 99%              20   2.7%
        from 97%              10   1.3%
        from 95%               5   0.7%
        from 90%               4   0.5%
        from 75%               3   0.4%
        from 50%               2   0.3%
        no sign of life        1   0.1%
        percentiles     50th 100%, 25th 99%, 5th 97%, 2nd 91%
    Jitter histogram, 681 samples:
        under 1 ms           500  73.4%
        under 2 ms           100  14.7%
        under 5 ms            50   7.3%
        under 10 ms           20   2.9%
        under 20 ms           10   1.5%
        from 20 ms             1   0.1%
Datagrams not acted upon:
    duplicate      36
    undecryptable  2
Link at the peer's end, told 12s ago:
    sent           20.1 packets/s, 1000 B/s
    received       59.9 packets/s, 8.4 KiB/s
    ping           40 ms
    quality        100.0% (0.0% lost, 0.0% out of sequence)
History of 1h1m4s at the peer's end, told 1m1s ago:
    sent           73000 packets, 4.8 MiB
    received       220000 packets, 28.6 MiB
    numbered       0
    lost           0
    out of order   0
    put in order   3
    duplicate      0
    far off        0
    Ping histogram: not available (has 4 of the 5 samples it takes)
    Quality histogram, 5 samples:
        flawless               5 100.0%
        percentiles     50th 100%, 25th 100%
    Jitter histogram: not available (has 0 of the 5 samples it takes)
`, "\n"), d.text())
}

func connecting() detail {
	history := noHistory
	history.SentPackets, history.SentBytes = 2, 1024
	return detail{
		Details: conn.Details{
			Status: conn.Status{State: conn.StateConnecting, PingMs: -1, Local: unknownLink, SendRate: 262144, QueueTime: -1,
				PendingReliable: 12, Lanes: make([]conn.LaneStatus, 1)},
			InState: 1234 * time.Millisecond, LocalAge: -1, RemoteAge: -1, RemoteLifetimeAge: -1, Lifetime: history,
		},
		description: "#571539458 UDP invalid@192.0.2.2:27015",
		remote:      netip.MustParseAddrPort("192.0.2.2:27015"),
	}
}

func TestDetailedTextOfAConnectionThatIsConnecting(t *testing.T) {
	t.Parallel()
	d := connecting()
	require.Equal(t, strings.TrimPrefix(`
#571539458 UDP invalid@192.0.2.2:27015
State: connecting, handshake under way for 1.2s
Peer: unknown, at 192.0.2.2:27015
Cipher: none agreed on
Link, too young for rates:
    ping           unknown
    quality        unknown
    may send       256.0 KiB/s
    waiting        12 B reliable, 0 B unreliable
    unacknowledged 0 B reliable
History:
    sent           2 packets, 1.0 KiB
    received       0 packets, 0 B
    numbered       0
    lost           0
    out of order   0
    duplicate      0
    far off        0
    Ping histogram: not available (has 0 of the 5 samples it takes)
    Quality histogram: not available (has 0 of the 5 samples it takes)
    Jitter histogram: not available (has 0 of the 5 samples it takes)
The peer has told nothing about the link at its end.
The peer has told nothing about its history.
`, "\n"), d.text())

	d.Lifetime.SentPackets = 0
	require.NotContains(t, d.text(), "Link,", "nothing was sent, so there is no link to speak of")
}

func TestDetailedTextOfAClosedConnection(t *testing.T) {
	t.Parallel()
	history := noHistory
	history.ConnectedSeconds = 4
	history.Counters = linkstats.Counters{SentPackets: 9, SentBytes: 700, RecvPackets: 8, RecvBytes: 600, RecvSequenced: 6, Dropped: 2}
	d := detail{
		Details: conn.Details{
			Status:  conn.Status{State: conn.StateClosedByPeer, PingMs: 12, Local: unknownLink, QueueTime: -1},
			InState: 90 * time.Second, LocalAge: -1, RemoteAge: -1, RemoteLifetimeAge: -1, Lifetime: history,
		},
		description: "#571539458 UDP 192.0.2.2:27015",
		identity:    crypto.IPAddress(netip.MustParseAddrPort("192.0.2.2:27015")), remote: netip.MustParseAddrPort("192.0.2.2:27015"),
		cipher: crypto.CipherNull, reason: 1234, debug: "server\nshuts down", byPeer: true,
	}
	require.Equal(t, strings.TrimPrefix(`
#571539458 UDP 192.0.2.2:27015
State: ended by the peer 1m30s ago with reason 1234 (App(1234)): "server\nshuts down"
Peer: ip:192.0.2.2:27015, not authenticated, at 192.0.2.2:27015
Cipher: none, packets travel in the clear
Link, too young for rates:
    ping           12 ms
    quality        unknown
History of 4s:
    sent           9 packets, 700 B
    received       8 packets, 600 B
    numbered       6
    lost           2 (25.00%)
    out of order   0 (0.00%)
    duplicate      0 (0.00%)
    far off        0 (0.00%)
    Ping histogram: not available (has 0 of the 5 samples it takes)
    Quality histogram: not available (has 0 of the 5 samples it takes)
    Jitter histogram: not available (has 0 of the 5 samples it takes)
The peer has told nothing about the link at its end.
The peer has told nothing about its history.
`, "\n"), d.text())
}

func TestDetailedStateLine(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]detail{
		`not started`: {},
		`connecting, request waits to be accepted for 7s`:   {Details: inState(conn.StateConnecting), incoming: true},
		`connecting, looking for a path to the peer for 7s`: {Details: inState(conn.StateFindingRoute)},
		`connected for 7s`: {Details: inState(conn.StateConnected)},
		`given up at this end 7s ago with reason 5003 (Misc_Timeout): "no answer"`:                                {Details: inState(conn.StateProblemDetectedLocally), reason: EndMiscTimeout, debug: "no answer"},
		`closing for 7s, until reliable messages are delivered, with reason 1000 (App_Generic): "closed by user"`: {Details: inState(conn.StateLinger), reason: EndAppGeneric, debug: "closed by user"},
		`closed at this end with reason 2000 (AppException_Generic): "cheater"`:                                   {Details: inState(conn.StateFinWait), reason: EndAppExceptionGeneric, debug: "cheater"},
		`given up at this end with reason 5003 (Misc_Timeout): "no answer"`:                                       {Details: inState(conn.StateDead), reason: EndMiscTimeout, debug: "no answer"},
		`ended by the peer with reason 5003 (Misc_Timeout): "bored"`:                                              {Details: inState(conn.StateDead), reason: EndMiscTimeout, debug: "bored", byPeer: true},
	} {
		require.Equal(t, want, d.stateText())
	}
}

func inState(s conn.State) conn.Details {
	return conn.Details{Status: conn.Status{State: s}, InState: 7 * time.Second}
}

// A peer chooses its identity, its closing words and the statistics that it tells. None of them may
// break the text.
func TestDetailedTextOfAHostilePeer(t *testing.T) {
	t.Parallel()
	most := linkstats.Lifetime{ConnectedSeconds: math.MaxInt32, Counters: linkstats.Counters{RecvSequenced: math.MaxUint64, Dropped: math.MaxUint64,
		SentBytes: math.MaxUint64, RecvBytes: math.MaxUint64}}
	for i := range most.PingHistogram {
		most.PingHistogram[i] = math.MaxUint32
	}
	d := connecting()
	clean := d.text()
	d.identity = GenericString("x\nState: fine\x1b[2J\u202e")
	d.description = "#1 UDP " + d.identity.String()
	require.True(t, d.identity.IsValid())
	text := d.text()
	require.Equal(t, strings.Count(clean, "\n"), strings.Count(text, "\n"), "no forged lines")
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\u202e")
	require.Contains(t, text, `Peer: "str:x\nState: fine\x1b[2J\u202e", not authenticated`)

	d.RemoteLifetime, d.RemoteLifetimeAge = most, 0
	text = d.text()
	require.Contains(t, text, "lost           18446744073709551615 (50.00%)")
	require.Contains(t, text, "Ping histogram, 38654705655 samples:")
	require.Contains(t, text, "0 packets, 16.0 EiB")
}

func TestDetailedTextNamesEveryReasonForADrop(t *testing.T) {
	t.Parallel()
	drops := reflect.TypeFor[conn.Drops]()
	seen := make(map[string]string)
	for i := range drops.NumField() {
		d := connecting()
		reflect.ValueOf(&d.Drops).Elem().Field(i).SetUint(771)
		_, text, found := strings.Cut(d.text(), "Datagrams not acted upon:\n")
		require.True(t, found)
		row, _, _ := strings.Cut(text, "\n")
		require.Regexp(t, `^    [a-zA-Z ]+ 771$`, row, drops.Field(i).Name)
		require.NotContains(t, seen, row, "%s has a row of its own", drops.Field(i).Name)
		seen[row] = drops.Field(i).Name
	}
	d := connecting()
	require.NotContains(t, d.text(), "Datagrams not acted upon")
}

func TestDetailedStatusOfAConnectedPair(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	l, err := Listen("127.0.0.1:0", WithIdentity(GenericString("server")))
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	type outcome struct {
		c   *Conn
		err error
	}
	incoming := make(chan outcome, 1)
	go func() {
		c, err := l.Accept(ctx)
		incoming <- outcome{c, err}
	}()
	c, err := Dial(ctx, l.Addr().String(), WithIdentity(GenericString("client")))
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Sockets().Close()) }()
	got := <-incoming
	require.NoError(t, got.err)
	accepted := got.c
	require.NoError(t, c.Send([]byte("hello"), SendReliableNoNagle))
	_, err = accepted.Receive(ctx)
	require.NoError(t, err)
	require.NoError(t, c.ConfigureLanes([]int{0, 1, 1}, nil))

	text, err := c.Sockets().DetailedConnectionStatus(c.Handle())
	require.NoError(t, err)
	require.Regexp(t, `\A#\d+ UDP str:server@127\.0\.0\.1:\d+\nState: connected for `, text)
	require.Contains(t, text, "\nPeer: str:server, not authenticated, at "+l.Addr().String()+"\n")
	require.Contains(t, text, "\nCipher: AES_256_GCM\n")
	require.Contains(t, text, "\nLink, too young for rates:\n")
	require.Regexp(t, `\n    ping           \d+ ms`, text)
	require.Regexp(t, `\n    may send       \d+\.\d KiB/s\n`, text)
	require.Regexp(t, `\nLanes:\n    0 .*\n    1 .*\n    2 .*\nHistory of \d+s:\n    sent           \d+ packets, `, text)

	// The connection believes that the first five seconds are over.
	now := c.c.lock()
	now = c.c.tick(now.Add(6 * time.Second))
	c.c.core.Advance(now)
	c.c.pump(now)
	c.c.mu.Unlock()
	text = c.DetailedStatus()
	require.Regexp(t, `\nLink, measured \S+ ago:\n    sent           \d+\.\d packets/s, \d+ B/s\n    received       \d+\.\d packets/s, \d+ B/s\n    ping  `, text)

	require.Contains(t, accepted.DetailedStatus(), "\nPeer: str:client, not authenticated, at ")

	_, err = c.Sockets().DetailedConnectionStatus(12345)
	require.ErrorIs(t, err, ErrInvalidParam)
	require.NoError(t, c.CloseWithReason(1001, "had enough", false))
	_, err = c.Sockets().DetailedConnectionStatus(c.Handle())
	require.ErrorIs(t, err, ErrInvalidParam, "the application has closed it")
	require.Contains(t, c.DetailedStatus(), "\nState: closed at this end with reason 1001 (App(1001)): \"had enough\"\n")
}
