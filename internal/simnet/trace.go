package simnet

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"net/netip"
	"strings"
	"time"

	"github.com/gogns/gns/internal/mono"
)

// Fate is what became of a datagram.
type Fate uint8

// Fates of datagrams.
const (
	Sent        Fate = iota // arrives once
	Duplicated              // arrives twice
	Lost                    // at random
	LostInBurst             // at random, in the bad state of Bursts
	QueueFull               // by the rate limit
	TooBig                  // larger than the path's MTU
	Cut                     // sent during a cut
	Unreachable             // nobody has the destination address
)

// String returns the fate in words.
func (f Fate) String() string {
	names := [...]string{"sent", "DUPLICATED", "LOST", "LOST IN BURST", "QUEUE FULL", "TOO BIG", "CUT", "UNREACHABLE"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("Fate(%d)", uint8(f))
}

// Entry is a line of the trace: a datagram that was sent, or (Unreachable, without Due) one that arrived
// where nobody was any more.
type Entry struct {
	At       mono.Time
	From, To netip.AddrPort
	Size     int
	Fate     Fate
	Due      [2]mono.Time // when it arrives, and its copy; zero: never
}

// String returns the entry as a line of text, with times in seconds.
func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%12.6f %v -> %v %4d bytes %v", time.Duration(e.At).Seconds(), e.From, e.To, e.Size, e.Fate)
	for _, due := range e.Due {
		if due.IsSet() {
			fmt.Fprintf(&b, " +%v", due.Sub(e.At))
		}
	}
	return b.String()
}

// TraceLen is how many entries a Network keeps, the latest.
const TraceLen = 2000

// trace keeps the latest entries and a digest of all.
type trace struct {
	ring   []Entry
	total  uint64
	digest uint64
	fates  [Unreachable + 1]uint64
	table  *crc64.Table
}

func newTrace() trace { return trace{table: crc64.MakeTable(crc64.ECMA)} }

func (t *trace) add(e Entry, data []byte) {
	if len(t.ring) < TraceLen {
		t.ring = append(t.ring, e)
	} else {
		t.ring[t.total%TraceLen] = e
	}
	t.total++
	t.fates[e.Fate]++
	var head [64]byte
	b := binary.LittleEndian.AppendUint64(head[:0], uint64(e.At))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Due[0]))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Due[1]))
	b = append(b, byte(e.Fate))
	b = append(b, e.From.Addr().AsSlice()...)
	b = binary.LittleEndian.AppendUint16(b, e.From.Port())
	b = binary.LittleEndian.AppendUint16(b, e.To.Port())
	t.digest += crc64.Update(crc64.Update(^uint64(0), t.table, b), t.table, data)
}

// Trace returns the latest entries, at most TraceLen, in the order in which they were made.
func (n *Network) Trace() []Entry {
	t := &n.trace
	if t.total <= TraceLen {
		return append([]Entry(nil), t.ring...)
	}
	at := t.total % TraceLen
	return append(append([]Entry(nil), t.ring[at:]...), t.ring[:at]...)
}

// Digest returns a checksum of everything that was sent since the beginning: instants, addresses,
// contents and fates, but not the order of what happened at the same instant. Two runs with the same
// digest were the same.
func (n *Network) Digest() uint64 { return n.trace.digest }

// Count returns how many datagrams had a fate. Those that were sent and then found nobody count twice.
func (n *Network) Count(f Fate) uint64 {
	if int(f) >= len(n.trace.fates) {
		return 0
	}
	return n.trace.fates[f]
}
