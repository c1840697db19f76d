package gns

import (
	"runtime"
	"sync"
	"time"

	"github.com/gogns/gns/internal/mono"
)

// alarms wake the connections of a Sockets at their deadlines. A goroutine of each shard serves all of its
// connections, because a goroutine for each expiry, as time.AfterFunc has it, spends more time growing
// its stack than on a connection that has little to do.
type alarms []*alarmShard

// alarmShard is a heap of connections, the most urgent first, and its goroutine, which lives as long as
// there are any.
type alarmShard struct {
	s *Sockets

	mu      sync.Mutex // taken after a connection's lock, never before
	heap    []*connection
	running bool
	timer   *time.Timer
	wakeAt  mono.Time // when the goroutine looks next; 0 while it does not sleep
}

// alarm is a connection's place in its shard. The shard's lock guards it.
type alarm struct {
	at    mono.Time
	index int // in the heap, plus 1; 0: not there
}

func newAlarms(s *Sockets) alarms {
	n := runtime.GOMAXPROCS(0)
	if s.env.inOrder {
		n = 1
	}
	a := make(alarms, n)
	for i := range a {
		a[i] = &alarmShard{s: s}
	}
	return a
}

// shard returns where the connection with a handle belongs.
func (a alarms) shard(h Connection) *alarmShard { return a[uint32(h)%uint32(len(a))] }

// shard returns where the connection's alarm is.
func (c *connection) shard() *alarmShard { return c.s.alarms.shard(c.handle) }

// set makes c.fire be called at an instant, instead of the one set before.
func (sh *alarmShard) set(c *connection, at, now mono.Time) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c.alarm.at = at
	if c.alarm.index == 0 {
		sh.heap = append(sh.heap, c)
		c.alarm.index = len(sh.heap)
	}
	sh.up(c.alarm.index - 1)
	sh.down(c.alarm.index - 1)
	switch {
	case !sh.running:
		sh.running = true
		sh.s.active.Add(1)
		go sh.run()
	case at < sh.wakeAt:
		sh.wakeAt = at
		sh.timer.Reset(at.Sub(now))
	}
}

// cancel takes c out.
func (sh *alarmShard) cancel(c *connection) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if c.alarm.index == 0 {
		return
	}
	sh.remove(c.alarm.index - 1)
	if len(sh.heap) == 0 && sh.wakeAt != 0 {
		sh.timer.Reset(0) // so that it ends
	}
}

// run calls fire for every connection whose time has come.
func (sh *alarmShard) run() {
	defer sh.s.active.Done()
	var due []*connection
	for {
		now := sh.s.now()
		var sleep <-chan time.Time
		sh.mu.Lock()
		for len(sh.heap) > 0 && sh.heap[0].alarm.at <= now {
			due = append(due, sh.heap[0])
			sh.remove(0)
		}
		switch {
		case len(due) > 0:
			sh.wakeAt = 0
		case len(sh.heap) == 0:
			sh.running, sh.wakeAt = false, 0
			if sh.timer != nil {
				sh.timer.Stop()
				sh.timer = nil
			}
			sh.mu.Unlock()
			return
		default:
			sh.wakeAt = sh.heap[0].alarm.at
			if sh.timer == nil {
				sh.timer = time.NewTimer(sh.wakeAt.Sub(now))
			} else {
				sh.timer.Reset(sh.wakeAt.Sub(now))
			}
			sleep = sh.timer.C
		}
		sh.mu.Unlock()
		if sleep != nil {
			<-sleep
			continue
		}
		for _, c := range due {
			c.fire(now)
		}
		for i, c := range due {
			if c.ep != nil {
				c.ep.tx.run()
			}
			due[i] = nil
		}
		due = due[:0]
	}
}

// fanout is the number of children in the heap: four, so that it is half as deep as a binary one.
const fanout = 4

func (sh *alarmShard) less(i, j int) bool {
	a, b := sh.heap[i], sh.heap[j]
	return a.alarm.at < b.alarm.at || a.alarm.at == b.alarm.at && a.handle < b.handle
}

func (sh *alarmShard) swap(i, j int) {
	h := sh.heap
	h[i], h[j] = h[j], h[i]
	h[i].alarm.index, h[j].alarm.index = i+1, j+1
}

func (sh *alarmShard) up(i int) {
	for i > 0 {
		parent := (i - 1) / fanout
		if !sh.less(i, parent) {
			return
		}
		sh.swap(i, parent)
		i = parent
	}
}

func (sh *alarmShard) down(i int) {
	for {
		first := i*fanout + 1
		least := i
		for child := first; child < min(first+fanout, len(sh.heap)); child++ {
			if sh.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		sh.swap(i, least)
		i = least
	}
}

func (sh *alarmShard) remove(i int) {
	last := len(sh.heap) - 1
	sh.swap(i, last)
	sh.heap[last].alarm.index = 0
	sh.heap[last] = nil
	sh.heap = sh.heap[:last]
	if i < last {
		sh.up(i)
		sh.down(i)
	}
}

// pending reports whether c is going to be woken.
func (sh *alarmShard) pending(c *connection) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return c.alarm.index != 0
}
