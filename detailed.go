package gns

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/linkstats"
	"github.com/gogns/gns/p2p"
)

// DetailedConnectionStatus returns a text about a connection for people to read, of many lines, such as
// a game shows on its network screen or a user attaches to a bug report
// (GetDetailedConnectionStatus): its state, peer and cipher, the link now and since the beginning, and
// both as the peer last told of its own side. The wording and order are not stable; programs take
// ConnectionInfo and ConnectionRealTimeStatus. Asking does not start MaxJitter anew.
//
// What the peer says of itself is in the text. It cannot forge lines of it, but nothing authenticates
// the statistics that it tells.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) DetailedConnectionStatus(h Connection) (string, error) {
	c, err := s.lookup(h)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	if err := c.usable(); err != nil {
		c.mu.Unlock()
		return "", err
	}
	d := c.detail()
	c.mu.Unlock()
	return d.text(), nil
}

// DetailedStatus returns a text about the connection for people to read; see
// Sockets.DetailedConnectionStatus. Unlike that it still works after Close.
func (c *Conn) DetailedStatus() string {
	c.c.mu.Lock()
	d := c.c.detail()
	c.c.mu.Unlock()
	return d.text()
}

// detail is what a text about a connection says, taken under its lock so that the text can be made
// without it.
type detail struct {
	conn.Details

	description string
	incoming    bool
	identity    Identity
	auth        PeerAuth
	remote      netip.AddrPort
	route       *p2p.Route // of P2P connections
	cipher      crypto.Cipher
	reason      EndReason
	debug       string // of whoever ended it
	byPeer      bool
	unread      int // messages that the application has not received
}

// detail gathers the facts. c.mu is held.
func (c *connection) detail() detail {
	reason, debug := c.core.End()
	var route *p2p.Route
	if c.link != nil {
		taken := c.link.route
		route = &taken
	}
	return detail{
		route:       route,
		Details:     c.core.Details(c.tick(c.s.now())),
		description: c.describe(),
		incoming:    c.core.IsServer(),
		identity:    c.core.Identity(),
		auth:        c.peerAuth(),
		remote:      c.remoteAddr(),
		cipher:      c.core.Cipher(),
		reason:      EndReason(reason),
		debug:       debug,
		byPeer:      c.byPeer,
		unread:      c.unread(),
	}
}

// minSamples is from how many samples on a histogram says anything.
const minSamples = 5

// text makes the text. It depends on d alone.
func (d *detail) text() string {
	var t detailText
	t.line(0, "%s", singleLine(d.description))
	t.line(0, "State: %s", d.stateText())
	t.line(0, "Peer: %s", d.peerText())
	t.line(0, "Cipher: %s", d.cipherText())
	if d.Lifetime.SentPackets > 0 {
		t.link(d)
	}
	if d.unread > 0 {
		t.line(0, "Received messages that the application has not read: %d", d.unread)
	}
	if len(d.Lanes) > 1 {
		t.lanes(d.Lanes)
	}
	t.line(0, "History%s:", lasting(d.Lifetime.ConnectedSeconds))
	t.history(&d.Lifetime)
	t.drops(&d.Drops)
	if d.RemoteAge < 0 {
		t.line(0, "The peer has told nothing about the link at its end.")
	} else {
		t.line(0, "Link at the peer's end, told %s ago:", span(d.RemoteAge))
		t.rates(&d.Remote)
		t.ping(d.Remote.PingMs, d.Remote.PeakJitter)
		t.quality(&d.Remote)
	}
	if d.RemoteLifetimeAge < 0 {
		t.line(0, "The peer has told nothing about its history.")
	} else {
		t.line(0, "History%s at the peer's end, told %s ago:", lasting(d.RemoteLifetime.ConnectedSeconds), span(d.RemoteLifetimeAge))
		t.history(&d.RemoteLifetime)
	}
	return t.String()
}

func (d *detail) stateText() string {
	since := span(d.InState)
	switch d.State {
	case conn.StateConnecting:
		if d.incoming {
			return "connecting, request waits to be accepted for " + since
		}
		return "connecting, handshake under way for " + since
	case conn.StateFindingRoute:
		return "connecting, looking for a path to the peer for " + since
	case conn.StateConnected:
		return "connected for " + since
	case conn.StateLinger:
		return fmt.Sprintf("closing for %s, until reliable messages are delivered, with %s", since, d.reasonText())
	case conn.StateClosedByPeer, conn.StateProblemDetectedLocally:
		return fmt.Sprintf("%s %s ago with %s", d.endedBy(), since, d.reasonText())
	case conn.StateFinWait, conn.StateDead:
		return fmt.Sprintf("%s with %s", d.endedBy(), d.reasonText())
	}
	return "not started"
}

func (d *detail) endedBy() string {
	switch {
	case d.byPeer || d.State == conn.StateClosedByPeer:
		return "ended by the peer"
	case d.State == conn.StateProblemDetectedLocally || d.reason > EndAppExceptionMax:
		return "given up at this end"
	}
	return "closed at this end"
}

func (d *detail) reasonText() string {
	return fmt.Sprintf("reason %d (%v): %s", int32(d.reason), d.reason, strconv.Quote(d.debug))
}

func (d *detail) peerText() string {
	switch {
	case !d.identity.IsValid():
		return "unknown, " + d.whereText()
	case d.auth.Assurance >= AssuranceCertified:
		return fmt.Sprintf("%s, authenticated, %s", singleLine(d.identity.String()), d.whereText())
	}
	return fmt.Sprintf("%s, not authenticated, %s", singleLine(d.identity.String()), d.whereText())
}

// whereText says where the peer is.
func (d *detail) whereText() string {
	if d.route != nil {
		return routeText(*d.route)
	}
	return "at " + d.remote.String()
}

func (d *detail) cipherText() string {
	switch d.cipher {
	case crypto.CipherInvalid:
		return "none agreed on"
	case crypto.CipherNull:
		return "none, packets travel in the clear"
	}
	return d.cipher.String()
}

// detailText is a text of indented lines. The columns of one block line up.
type detailText struct{ strings.Builder }

const indentation = "    "

func (t *detailText) line(depth int, format string, args ...any) {
	for range depth {
		t.WriteString(indentation)
	}
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

func (t *detailText) item(label, format string, args ...any) {
	t.line(1, "%-15s%s", label, fmt.Sprintf(format, args...))
}

// link writes what is known about this end at the moment.
func (t *detailText) link(d *detail) {
	if d.LocalAge < 0 {
		t.line(0, "Link, too young for rates:")
	} else {
		t.line(0, "Link, measured %s ago:", span(d.LocalAge))
		t.rates(&d.Local)
	}
	t.ping(d.PingMs, d.Local.PeakJitter)
	t.quality(&d.Local)
	if !d.State.Active() {
		return
	}
	t.item("may send", "%s/s", size(float64(d.SendRate)))
	t.item("waiting", "%s reliable, %s unreliable", size(float64(d.PendingReliable)), size(float64(d.PendingUnreliable)))
	t.item("unacknowledged", "%s reliable", size(float64(d.SentUnackedReliable)))
	if d.QueueTime >= 0 {
		t.item("queue time", "%s", span(d.QueueTime))
	}
}

func (t *detailText) rates(i *linkstats.Instantaneous) {
	t.item("sent", "%.1f packets/s, %s/s", i.OutPacketsPerSec, size(i.OutBytesPerSec))
	t.item("received", "%.1f packets/s, %s/s", i.InPacketsPerSec, size(i.InBytesPerSec))
}

func (t *detailText) ping(ms int32, jitter time.Duration) {
	text := "unknown"
	if ms >= 0 {
		text = fmt.Sprintf("%d ms", ms)
	}
	if jitter >= 0 {
		text += ", worst jitter " + span(jitter)
	}
	t.item("ping", "%s", text)
}

func (t *detailText) quality(i *linkstats.Instantaneous) {
	q := i.Quality()
	if q < 0 {
		t.item("quality", "unknown")
		return
	}
	t.item("quality", "%.1f%% (%.1f%% lost, %.1f%% out of sequence)", 100*q, 100*i.DroppedFraction, 100*max(i.WeirdFraction, 0))
}

func (t *detailText) lanes(lanes []conn.LaneStatus) {
	t.line(0, "Lanes:")
	for n, l := range lanes {
		wait := ""
		if l.QueueTime >= 0 {
			wait = ", queue time " + span(l.QueueTime)
		}
		t.item(strconv.Itoa(n), "%s reliable and %s unreliable waiting, %s unacknowledged%s", size(float64(l.PendingReliable)),
			size(float64(l.PendingUnreliable)), size(float64(l.SentUnackedReliable)), wait)
	}
}

// history writes a block about everything since the beginning.
func (t *detailText) history(l *linkstats.Lifetime) {
	t.item("sent", "%d packets, %s", l.SentPackets, size(float64(l.SentBytes)))
	t.item("received", "%d packets, %s", l.RecvPackets, size(float64(l.RecvBytes)))
	t.item("numbered", "%d", l.RecvSequenced)
	expected := l.Expected()
	for _, row := range [...]struct {
		label string
		count uint64
		rare  bool // only worth a line if it happened
	}{
		{"lost", l.Dropped, false},
		{"out of order", l.OutOfOrder, false},
		{"put in order", l.CorrectedOutOfOrder, true}, // needs several paths
		{"duplicate", l.Duplicate, false},
		{"far off", l.Lurch, false},
	} {
		switch {
		case row.rare && row.count == 0:
		case expected > 0:
			t.item(row.label, "%d (%.2f%%)", row.count, 100*float64(row.count)/expected)
		default:
			t.item(row.label, "%d", row.count)
		}
	}
	t.histogram("Ping", l.PingHistogram[:], pingBuckets[:], percentiles("%d ms",
		percentile{5, l.PingPercentiles[0]}, percentile{50, l.PingPercentiles[1]}, percentile{75, l.PingPercentiles[2]},
		percentile{95, l.PingPercentiles[3]}, percentile{98, l.PingPercentiles[4]}))
	t.histogram("Quality", l.QualityHistogram[:], qualityBuckets[:], percentiles("%d%%",
		percentile{50, l.QualityPercentiles[3]}, percentile{25, l.QualityPercentiles[2]},
		percentile{5, l.QualityPercentiles[1]}, percentile{2, l.QualityPercentiles[0]}))
	t.histogram("Jitter", l.JitterHistogram[:], jitterBuckets[:], "")
}

// Names of the buckets of the histograms in linkstats.Lifetime.
var (
	pingBuckets = [...]string{"to 25 ms", "to 50 ms", "to 75 ms", "to 100 ms", "to 125 ms", "to 150 ms", "to 200 ms",
		"to 300 ms", "over 300 ms"}
	qualityBuckets = [...]string{"flawless", "from 99%", "from 97%", "from 95%", "from 90%", "from 75%", "from 50%",
		"under 50%", "no sign of life"}
	jitterBuckets = [...]string{"under 1 ms", "under 2 ms", "under 5 ms", "under 10 ms", "under 20 ms", "from 20 ms"}
)

// histogram writes the buckets that are not empty.
func (t *detailText) histogram(what string, counts []uint32, names []string, percentiles string) {
	n := linkstats.Samples(counts)
	if n < minSamples {
		t.line(1, "%s histogram: not available (has %d of the %d samples it takes)", what, n, minSamples)
		return
	}
	t.line(1, "%s histogram, %d samples:", what, n)
	for i, count := range counts {
		if count > 0 {
			t.line(2, "%-15s %8d %5.1f%%", names[i], count, 100*float64(count)/float64(n))
		}
	}
	if percentiles != "" {
		t.line(2, "%-15s %s", "percentiles", percentiles)
	}
}

// percentile is a value that p percent of the samples do not exceed; a negative value is unknown.
type percentile struct {
	p     int
	value int32
}

// percentiles lists those that are known.
func percentiles(format string, list ...percentile) string {
	var known []string
	for _, e := range list {
		if e.value >= 0 {
			known = append(known, fmt.Sprintf("%d%s "+format, e.p, ordinal(e.p), e.value))
		}
	}
	return strings.Join(known, ", ")
}

func ordinal(p int) string {
	if p == 2 {
		return "nd"
	}
	return "th"
}

// drops writes a block about the datagrams that were not acted upon, by reason, if there were any.
func (t *detailText) drops(d *conn.Drops) {
	if *d == (conn.Drops{}) {
		return
	}
	t.line(0, "Datagrams not acted upon:")
	for _, row := range [...]struct {
		label string
		count uint64
	}{
		{"too short", d.Short},
		{"unknown kind", d.UnknownKind},
		{"malformed", d.Malformed},
		{"unexpected", d.Unexpected},
		{"wrong ID", d.WrongID},
		{"bad challenge", d.BadChallenge},
		{"refused", d.Refused},
		{"duplicate", d.Duplicate},
		{"too old", d.TooOld},
		{"undecryptable", d.Undecryptable},
		{"bad ack", d.BadAck},
		{"reply withheld", d.LimitedReply},
	} {
		if row.count > 0 {
			t.item(row.label, "%d", row.count)
		}
	}
}

// lasting tells how long a connection was or has been connected, and nothing if that is unknown.
func lasting(seconds int) string {
	if seconds <= 0 {
		return ""
	}
	return " of " + span(time.Duration(seconds)*time.Second)
}

// span writes a duration as precisely as people care.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// size writes a number of bytes.
func size(bytes float64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	const units = "KMGTPE"
	i := 0
	for bytes /= 1024; bytes >= 1024 && i < len(units)-1; i++ {
		bytes /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", bytes, units[i])
}

// singleLine returns s, quoted if it has anything that could pass for more than part of a line: names
// are the peer's choice.
func singleLine(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r == '\uFFFD' || !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
