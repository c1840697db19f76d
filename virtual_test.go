package gns_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/bufpool"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/internal/simudp"
	"github.com/stretchr/testify/require"
)

// world is a simulated network with the Sockets on it, in a bubble where time is virtual. Whatever the
// test does, in the end everything is closed and nothing may be left: no goroutine, no timer, no memory
// that anybody holds, no buffer that has not been given back.
//
// Since buffers are counted for the whole process, these tests do not run in parallel with others.
type world struct {
	t        *testing.T
	net      *simudp.Network
	ctx      context.Context // ends long after everything should be over
	seed     uint64
	machines int
	sockets  []*gns.Sockets
	watch    *bufpool.Watch
	quiet    bool // does not show the datagrams of a failure
}

// patience is how long nothing in these tests takes, in virtual time.
const patience = 24 * time.Hour

// traceShown is how many datagrams a failure shows, the last ones.
const traceShown = 100

// inVirtualTime runs a test in a world of its own, all of whose chance comes from seed.
func inVirtualTime(t *testing.T, seed uint64, f func(t *testing.T, w *world)) {
	if !raceEnabled {
		// Faster, and what happens at the same instant happens in the same order more often.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	synctest.Test(t, func(t *testing.T) {
		watch, err := bufpool.StartWatch(replaying()) // where buffers were lent takes time to find out
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		w := &world{t: t, net: simudp.New(seed), ctx: ctx, seed: seed, watch: watch}
		t.Cleanup(func() {
			defer watch.Stop()
			w.end()
			cancel()
		})
		f(t, w)
	})
}

// end closes everything and looks for leftovers.
func (w *world) end() {
	t := w.t
	leftovers := make([]weak.Pointer[gns.Sockets], 0, len(w.sockets))
	for i, s := range w.sockets {
		timers := s.Timers()
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if n := timers.Set(); n > 0 {
			t.Errorf("%d timers are set in closed Sockets %d", n, i)
		}
		if c, l, e := s.Tables(); c+l+e > 0 {
			t.Errorf("closed Sockets %d knows %d connections, %d listen sockets, %d sockets", i, c, l, e)
		}
		leftovers = append(leftovers, weak.Make(s))
	}
	w.sockets = nil
	if n := w.net.Open(); n > 0 {
		t.Errorf("%d sockets are open", n)
	}
	sends := w.net.Sends()
	time.Sleep(time.Hour) // afterwards the runtime has forgotten stopped timers too
	if n := w.net.Sends() - sends; n > 0 {
		t.Errorf("%d datagrams were sent after the end", n)
	}
	if !t.Failed() { // a test that failed half-way releases nothing
		if err := w.watch.Err(); err != nil {
			t.Error(err)
		}
		runtime.GC()
		for i, p := range leftovers {
			if p.Value() != nil {
				t.Errorf("something still refers to Sockets %d", i)
			}
		}
	}
	if t.Failed() && !w.quiet {
		text := ""
		trace := w.net.Trace()
		for _, e := range trace[max(0, len(trace)-traceShown):] {
			text += e.String() + "\n"
		}
		t.Logf("seed %d; the last datagrams:\n%s", w.seed, text)
	}
}

// machine adds a machine to the network: 192.0.2.1, 192.0.2.2 and so on.
func (w *world) machine() *simudp.Machine {
	w.t.Helper()
	w.machines++
	n := w.machines
	m, err := w.net.AddMachine(netip.AddrFrom4([4]byte{192, 0, byte(2 + n/250), byte(n % 250)}))
	require.NoError(w.t, err)
	return m
}

// open returns a Sockets on a machine.
func (w *world) open(m *simudp.Machine, opts gns.Options) *gns.Sockets {
	w.t.Helper()
	s, err := gns.NewOn(m, w.random(), opts)
	require.NoError(w.t, err)
	w.sockets = append(w.sockets, s)
	return s
}

// random returns a source of keys for one more Sockets.
func (w *world) random() *lockedRand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], w.seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(len(w.sockets)))
	return &lockedRand{r: rand.NewChaCha8(key)}
}

// lockedRand is a random number generator for several goroutines.
type lockedRand struct {
	mu sync.Mutex
	r  *rand.ChaCha8
}

func (l *lockedRand) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(b)
}

// path sets the same conditions in both directions.
func (w *world) path(a, b *simudp.Machine, p simnet.Path) {
	w.net.SetPath(a, b, p)
	w.net.SetPath(b, a, p)
}

// lag is a path that only takes time.
func lag(d time.Duration) simnet.Path { return simnet.Path{Settings: impair.Settings{Lag: d}} }

// pair is a listener and a connection to it, with the accepted end.
type pair struct {
	*world
	client, server *simudp.Machine
	l              *gns.Listener
	dialed         *gns.Conn
	accepted       *gns.Conn
}

// connect makes a pair over a path.
func (w *world) connect(p simnet.Path, values ...config.Value) *pair {
	w.t.Helper()
	c := &pair{world: w, client: w.machine(), server: w.machine()}
	w.path(c.client, c.server, p)
	var err error
	c.l, err = gns.Listen(":27015", gns.WithSockets(w.open(c.server, gns.Options{})), gns.WithConfig(values...))
	require.NoError(w.t, err)
	accepted := make(chan *gns.Conn, 1)
	go func() {
		conn, _ := c.l.Accept(w.ctx)
		accepted <- conn
	}()
	c.dialed, err = w.dial(w.open(c.client, gns.Options{}), c.server, values...)
	require.NoError(w.t, err)
	c.accepted = <-accepted
	require.NotNil(w.t, c.accepted)
	return c
}

// dial connects to port 27015 of a machine.
func (w *world) dial(from *gns.Sockets, to *simudp.Machine, values ...config.Value) (*gns.Conn, error) {
	return gns.Dial(w.ctx, fmt.Sprintf("%v:27015", to.Addr()), gns.WithSockets(from), gns.WithConfig(values...))
}
