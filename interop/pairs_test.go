package interop

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/p2ptest"
	"github.com/gogns/gns/interop/peer"
)

// The tests spend their time waiting for timers and paced data, so many may run at once on few CPUs.
const parallelTests = "16"

func TestMain(m *testing.M) {
	peer.RunIfChild()
	p2ptest.RunIfChild()
	flag.Parse()
	parallelGiven := false
	flag.Visit(func(f *flag.Flag) { parallelGiven = parallelGiven || f.Name == "test.parallel" })
	if !parallelGiven {
		if err := flag.Set("test.parallel", parallelTests); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

// pair is a column of the matrix: which implementation listens and which connects.
type pair struct{ listens, connects peer.Kind }

// pairs are the columns. Two of the same kind prove the tests themselves.
var pairs = []pair{
	{listens: peer.Valve, connects: peer.Valve},
	{listens: peer.Valve, connects: peer.Ours},
	{listens: peer.Ours, connects: peer.Valve},
	{listens: peer.Ours, connects: peer.Ours},
}

func (p pair) String() string { return fmt.Sprintf("%s listens, %s connects", p.listens, p.connects) }

// forPairs runs a test once for each column, all at the same time.
func forPairs(t *testing.T, test func(t *testing.T, p pair)) {
	t.Helper()
	t.Parallel()
	for _, p := range pairs {
		t.Run(strings.ReplaceAll(p.String(), ", ", "+"), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// start runs both sides. The options are for both; the functions may change them for one.
func (p pair) start(t *testing.T, both peer.Options, change ...func(listens, connects *peer.Options)) (server, client *peer.Peer) {
	t.Helper()
	listens, connects := both, both
	listens.Kind, listens.Name = p.listens, string(p.listens)+" listener"
	connects.Kind, connects.Name = p.connects, string(p.connects)+" client"
	for _, f := range change {
		f(&listens, &connects)
	}
	return peer.Start(t, listens), peer.Start(t, connects)
}

var (
	ipv4 = netip.MustParseAddr("127.0.0.1")
	ipv6 = netip.IPv6Loopback()
)

// link is an established connection: its end at the listener and its end at the client.
type link struct {
	listener *peer.Listener
	in, out  *peer.Conn
}

// connect establishes a connection between two peers; options are for the listen socket and for the
// outgoing connection alike.
func connect(t *testing.T, server, client *peer.Peer, ip netip.Addr, options ...string) link {
	t.Helper()
	l := server.With(t).Listen(ip, options...)
	out := client.With(t).Connect(l.Addr, options...)
	in := l.Accepted()
	in.WaitState(peer.Connected)
	out.WaitState(peer.Connected)
	return link{listener: l, in: in, out: out}
}

// direction is one way through a link.
type direction struct {
	name     string
	from, to *peer.Conn
}

func (l link) directions() []direction {
	return []direction{
		{"to the listener", l.out, l.in},
		{"from the listener", l.in, l.out},
	}
}

// requireDelivered waits until everything reliable of a batch has arrived, and then everything at
// all if the path loses nothing, and verifies it.
func (d direction) requireDelivered(t *testing.T, b peer.Batch, numbers []int64, lossless bool) (unreliable int) {
	t.Helper()
	reliable := b.Reliable()
	got := d.to.MessagesUntil(deliveryTime, fmt.Sprintf("delivery of a batch of %d messages", b.Count), func(got []peer.Message) bool {
		if lossless {
			return len(got) >= b.Count
		}
		n := 0
		for _, m := range got {
			if m.Flags&peer.Reliable != 0 {
				n++
			}
		}
		return n >= reliable
	})
	unreliable, err := b.Verify(numbers, got)
	require.NoError(t, err, d.name)
	return unreliable
}
