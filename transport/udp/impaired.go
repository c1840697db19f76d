package udp

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/mono"
)

// Settings says what a simulated network does to the packets of one direction: loss, lag, jitter,
// reordering, duplication, limited bandwidth. The zero Settings is a perfect network.
type Settings = impair.Settings

// Conditions says how bad the network of an Impaired is.
type Conditions struct {
	Send Settings // applied before a datagram goes to the system
	Recv Settings // applied after the system has received it

	// Seed determines all random choices. 0 takes a random one; see Impaired.Seed. It counts only when
	// the Impaired is made.
	Seed uint64
}

// Impaired is a Conn on a network that is worse than the real one, for tests and for players of bad
// networks (Valve's FakePacket* and FakeRateLimit* values). Without conditions it costs next to nothing.
//
// Datagrams under way when it is closed are lost, as are those for which there is no memory (64 MiB each
// way). What the simulated network loses counts as sent. Each Impaired is a network of its own: a rate
// limit holds for each socket, where Valve's holds for all sockets of a process together.
type Impaired struct {
	conn Conn
	seed uint64
	zero time.Time // instant of the local clock's mono.Time(time.Hour)

	send, recv direction

	wake      chan struct{} // one slot: the earliest deadline of send has changed
	closed    chan struct{}
	closeOnce sync.Once
	closeErr  error
	sender    sync.WaitGroup
	sending   bool // send.mu: the goroutine runs, or must no longer be started

	// Guarded by recv.mu.
	userDeadline time.Time // what SetReadDeadline asked for
	armed        time.Time // what conn has
}

var _ Conn = (*Impaired)(nil)

// Impair returns conn with a network of the given conditions. Closing it closes conn.
func Impair(conn Conn, c Conditions) *Impaired {
	i := &Impaired{
		conn:   conn,
		seed:   c.Seed,
		zero:   time.Now(),
		wake:   make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
	for i.seed == 0 {
		i.seed = rand.Uint64()
	}
	i.send.init(i.seed)
	i.recv.init(i.seed + 1)
	i.Configure(c)
	return i
}

// Seed returns the seed of the random choices, to repeat them.
func (i *Impaired) Seed() uint64 { return i.seed }

// Configure changes the conditions for the datagrams to come. Those under way keep their delays.
func (i *Impaired) Configure(c Conditions) {
	i.send.configure(c.Send)
	i.recv.configure(c.Recv)
}

// ConfigurePeer sets conditions for the datagrams that go to and come from one address, from now on
// and in place of the common ones. Each address has a network of its own.
func (i *Impaired) ConfigurePeer(addr netip.AddrPort, c Conditions) {
	i.send.configurePeer(addr, c.Send)
	i.recv.configurePeer(addr, c.Recv)
}

// ForgetPeer takes back what ConfigurePeer has set for an address.
func (i *Impaired) ForgetPeer(addr netip.AddrPort) {
	i.send.forgetPeer(addr)
	i.recv.forgetPeer(addr)
}

// ImpairedStats counts what the simulated network did.
type ImpairedStats struct {
	Send, Recv DirectionStats
}

// DirectionStats counts what the simulated network did in one direction.
type DirectionStats struct {
	impair.Stats
	Overflowed uint64 // datagrams and copies dropped because too many were under way
	UnderWay   int    // datagrams and copies delayed at the moment
}

// Stats returns the counts since the Impaired was made. Datagrams that passed while there were no
// conditions are not in them, nor are those for which ConfigurePeer has set others.
func (i *Impaired) Stats() ImpairedStats {
	return ImpairedStats{Send: i.send.stats(), Recv: i.recv.stats()}
}

// LocalAddr implements Conn.
func (i *Impaired) LocalAddr() netip.AddrPort { return i.conn.LocalAddr() }

// Close implements Conn. When it returns, nothing of the Impaired runs any more.
func (i *Impaired) Close() error {
	i.closeOnce.Do(func() {
		i.closeErr = i.conn.Close() // first: it ends a WriteBatch that waits with send.mu locked
		i.send.mu.Lock()
		i.sending = true
		i.send.mu.Unlock()
		close(i.closed)
		i.sender.Wait()
	})
	return i.closeErr
}

func (i *Impaired) isClosed() bool {
	select {
	case <-i.closed:
		return true
	default:
		return false
	}
}

// now returns the present on the clock of the delays.
func (i *Impaired) now() mono.Time { return mono.Time(time.Hour + time.Since(i.zero)) }

// timeOf converts an instant of that clock; the zero Time for mono.Never.
func (i *Impaired) timeOf(t mono.Time) time.Time {
	if t == mono.Never {
		return time.Time{}
	}
	return i.zero.Add(time.Duration(t) - time.Hour)
}

// WriteBatch implements Conn. While there are conditions, datagrams that the system will refuse count
// as accepted, since that shows only later.
func (i *Impaired) WriteBatch(b []Datagram) (int, error) {
	d := &i.send
	if !d.engaged.Load() {
		return i.conn.WriteBatch(b)
	}
	if i.isClosed() {
		return 0, net.ErrClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.queue.NextDeadline()
	now := i.now()
	d.admit(now, b)
	if err := i.transmit(now); errors.Is(err, net.ErrClosed) {
		return 0, net.ErrClosed
	}
	if d.queue.NextDeadline() < next {
		i.wakeSender()
	}
	d.disengageIfIdle()
	return len(b), nil
}

// transmit sends what is due. send.mu is held.
func (i *Impaired) transmit(now mono.Time) error {
	d := &i.send
	for {
		batch := d.due(now)
		if len(batch) == 0 {
			return nil
		}
		_, err := i.conn.WriteBatch(batch)
		d.recycle(batch)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
	}
}

// wakeSender makes the goroutine look at its deadline, and starts it the first time. send.mu is held.
func (i *Impaired) wakeSender() {
	if !i.sending {
		i.sending = true
		i.sender.Go(i.sendDelayed)
	}
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// sendDelayed is the goroutine that sends datagrams when their delay is over.
func (i *Impaired) sendDelayed() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		i.send.mu.Lock()
		now := i.now()
		err := i.transmit(now)
		next := i.send.queue.NextDeadline()
		i.send.disengageIfIdle()
		i.send.mu.Unlock()
		if err != nil {
			return
		}
		timer.Stop()
		if next != mono.Never {
			timer.Reset(next.Sub(now))
		}
		select {
		case <-timer.C:
		case <-i.wake:
		case <-i.closed:
			return
		}
	}
}

// ReadBatch implements Conn.
func (i *Impaired) ReadBatch(b *Batch) error {
	d := &i.recv
	for {
		if d.engaged.Load() {
			if err := i.readDelayed(b); len(b.Datagrams) > 0 || err != nil {
				return err
			}
		}
		if err := i.conn.ReadBatch(b); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && !i.userDeadlinePassed() {
				continue // armed for a delayed datagram
			}
			return err
		}
		if !d.engaged.Load() {
			return nil
		}
		d.mu.Lock()
		d.admit(i.now(), b.Datagrams)
		d.mu.Unlock()
	}
}

// readDelayed copies received datagrams whose delay is over to b. If there are none, it arms conn's deadline
// for the next one.
func (i *Impaired) readDelayed(b *Batch) error {
	b.Release()
	if i.isClosed() {
		return net.ErrClosed
	}
	d := &i.recv
	d.mu.Lock()
	defer d.mu.Unlock()
	d.receive(i.now(), b)
	if len(b.Datagrams) > 0 {
		return nil
	}
	d.disengageIfIdle()
	if err := i.arm(); errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	} else if err != nil {
		return err
	}
	return nil
}

// arm gives conn the earlier of the user's deadline and that of the next delayed datagram. recv.mu is
// held.
func (i *Impaired) arm() error {
	t := i.timeOf(i.recv.queue.NextDeadline())
	if u := i.userDeadline; t.IsZero() || !u.IsZero() && u.Before(t) {
		t = u
	}
	if t.Equal(i.armed) {
		return nil
	}
	i.armed = t
	return i.conn.SetReadDeadline(t)
}

// SetReadDeadline implements Conn.
func (i *Impaired) SetReadDeadline(t time.Time) error {
	i.recv.mu.Lock()
	defer i.recv.mu.Unlock()
	i.userDeadline = t
	return i.arm()
}

func (i *Impaired) userDeadlinePassed() bool {
	i.recv.mu.Lock()
	defer i.recv.mu.Unlock()
	return !i.userDeadline.IsZero() && !time.Now().Before(i.userDeadline)
}
