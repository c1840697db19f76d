package main

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// sizes are the bytes of the signals of one P2P connection, the request first. Sides take turns.
var sizes = [...]int{400, 450, 50, 50, 50, 50}

// Fields of a simulated signal; the rest is padding.
const (
	stepAt    = 0 // which of the signals of the connection it is
	attemptAt = 1
	sentAt    = 9 // nanoseconds since the load began
)

// peer is a simulated peer.
type peer struct {
	load   *load
	id     crypto.Identity
	client p2p.SignalingClient
}

// attempt is a P2P connection that is being made.
type attempt struct {
	done chan bool // whether it came about
}

// latencies collects durations from many goroutines.
type latencies struct {
	next atomic.Int64
	all  []time.Duration
}

func newLatencies(most int) *latencies { return &latencies{all: make([]time.Duration, most)} }

// add forgets what is more than the most.
func (l *latencies) add(d time.Duration) {
	if i := l.next.Add(1) - 1; i < int64(len(l.all)) {
		l.all[i] = d
	}
}

// send sends a step of a connection.
func (p *peer) send(to crypto.Identity, step int, number uint64) {
	signal := make([]byte, sizes[step])
	signal[stepAt] = byte(step)
	binary.LittleEndian.PutUint64(signal[attemptAt:], number)
	binary.LittleEndian.PutUint64(signal[sentAt:], uint64(p.load.now()))
	if err := p.client.SendSignal(to, signal); err != nil {
		p.load.fail(number)
	}
}

// Signal answers with the next step.
func (p *peer) Signal(from crypto.Identity, signal []byte) {
	step, number := int(signal[stepAt]), binary.LittleEndian.Uint64(signal[attemptAt:])
	p.load.signals.add(p.load.now() - time.Duration(binary.LittleEndian.Uint64(signal[sentAt:])))
	if step+1 < len(sizes) {
		p.send(from, step+1, number)
		return
	}
	p.load.finish(number, true)
}

// Unreachable implements p2p.SignalHandler. Which signal it was does not matter: in the phase in which it is expected
// a peer has one on the way.
func (p *peer) Unreachable(to crypto.Identity, _ error) {
	if number, ok := to.PSNID(); ok {
		p.load.finish(number, false)
	}
}
