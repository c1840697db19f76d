package gns_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/simudp"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// simICE is p2p.ICE on a machine of the simulated network, where there is no address translation: an agent has one candidate, tries
// those of the peer until one answers to the password, and sends there.
type simICE struct {
	w *world
	m *simudp.Machine
	// mute makes agents that are made from now on never find a path.
	mute bool
	made int
}

type simAgent struct {
	p2p.AgentConfig
	sock *simudp.Socket

	mu         sync.Mutex
	ufrag, pwd string // the peer's
	candidates []netip.AddrPort
	selected   netip.AddrPort
	suspected  int
	closed     bool
	mute       bool
	done       sync.WaitGroup
	stop       chan struct{}
}

func (i *simICE) NewAgent(cfg p2p.AgentConfig) (p2p.Agent, error) {
	sock, err := i.m.Listen(netip.AddrPortFrom(i.m.Addr(), 0))
	if err != nil {
		return nil, err
	}
	i.made++
	a := &simAgent{AgentConfig: cfg, sock: sock, mute: i.mute, stop: make(chan struct{})}
	a.done.Add(1)
	go a.read()
	return a, nil
}

func (a *simAgent) Gather() {
	a.done.Add(1)
	go func() {
		defer a.done.Done()
		local := a.sock.LocalAddr()
		a.OnCandidate(fmt.Sprintf("candidate:1 1 udp 1 %v %d typ host", local.Addr(), local.Port()), p2p.CandidatePrivate)
		a.OnGathered()
	}()
}

func (a *simAgent) Start(_ bool, ufrag, pwd string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.pwd == ""
	a.ufrag, a.pwd = ufrag, pwd
	if first && !a.closed {
		a.done.Add(1)
		go a.check()
	}
	return nil
}

// check asks all candidates every 50 ms until one has answered.
func (a *simAgent) check() {
	defer a.done.Done()
	for {
		a.mu.Lock()
		for _, to := range a.candidates {
			a.send(to, "?"+a.pwd)
		}
		a.mu.Unlock()
		select {
		case <-a.stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
		a.mu.Lock()
		found := a.selected.IsValid()
		a.mu.Unlock()
		if found {
			return
		}
	}
}

func (a *simAgent) send(to netip.AddrPort, text string) {
	if !a.mute {
		_, _ = a.sock.WriteBatch([]udp.Datagram{{Addr: to, Data: []byte(text)}})
	}
}

func (a *simAgent) AddCandidate(candidate string) error {
	f := strings.Fields(candidate)
	if len(f) < 8 {
		return fmt.Errorf("bad candidate %q", candidate)
	}
	addr, err := netip.ParseAddrPort(f[4] + ":" + f[5])
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.candidates = append(a.candidates, addr)
	return nil
}

func (a *simAgent) read() {
	defer a.done.Done()
	var b udp.Batch
	defer b.Release()
	for a.sock.ReadBatch(&b) == nil {
		for _, d := range b.Datagrams {
			a.receive(d)
		}
	}
}

func (a *simAgent) receive(d udp.Datagram) {
	text := string(d.Data)
	switch {
	case text == "?"+a.Pwd:
		a.mu.Lock()
		a.send(d.Addr, "!"+a.Pwd)
		a.mu.Unlock()
	case text[0] == '!':
		a.mu.Lock()
		found := text == "!"+a.pwd && !a.selected.IsValid()
		if found {
			a.selected = d.Addr
		}
		a.mu.Unlock()
		if found {
			a.OnRoute(p2p.Route{Kind: p2p.RouteDirect, Local: a.sock.LocalAddr(), Remote: d.Addr, LocalType: "host", RemoteType: "host"})
		}
	case text[0] == '?':
	default:
		a.Receive(d.Data)
	}
}

func (a *simAgent) WriteBatch(b []udp.Datagram) (int, error) {
	a.mu.Lock()
	to := a.selected
	a.mu.Unlock()
	if !to.IsValid() {
		return 0, nil
	}
	out := make([]udp.Datagram, len(b))
	for i, d := range b {
		out[i] = udp.Datagram{Addr: to, Data: d.Data}
	}
	return a.sock.WriteBatch(out)
}

func (a *simAgent) Suspect() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.suspected++
}

func (a *simAgent) Close() error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.stop)
	}
	a.mu.Unlock()
	_ = a.sock.Close()
	a.done.Wait()
	return nil
}

// postOffice is a signaling service in virtual time: every signal takes 20 ms.
type postOffice struct {
	mu    sync.Mutex
	boxes map[gns.Identity]*postBox
	sent  int
	lose  func(n int) bool // whether the nth signal is lost
	down  bool             // everything is lost
	knows bool             // who is not there
}

type postBox struct {
	o       *postOffice
	self    gns.Identity
	handler p2p.SignalHandler
	done    sync.WaitGroup
	closed  bool
}

func newPostOffice() *postOffice { return &postOffice{boxes: make(map[gns.Identity]*postBox)} }

func (o *postOffice) Open(self gns.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := &postBox{o: o, self: self, handler: handler}
	o.boxes[self] = b
	return b, nil
}

func (b *postBox) SendSignal(to gns.Identity, signal []byte) error {
	o := b.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if b.closed {
		return p2p.ErrClosed
	}
	o.sent++
	if o.down || o.lose != nil && o.lose(o.sent) {
		return nil
	}
	b.done.Add(1)
	go func() {
		defer b.done.Done()
		time.Sleep(20 * time.Millisecond)
		o.mu.Lock()
		box := o.boxes[to]
		there := box != nil && !box.closed
		if there {
			box.done.Add(1)
		}
		o.mu.Unlock()
		switch {
		case there:
			box.handler.Signal(b.self, signal)
			box.done.Done()
		case o.knows:
			b.handler.Unreachable(to, nil)
		}
	}()
	return nil
}

func (b *postBox) Close() error {
	b.o.mu.Lock()
	b.closed = true
	if b.o.boxes[b.self] == b {
		delete(b.o.boxes, b.self)
	}
	b.o.mu.Unlock()
	b.done.Wait()
	return nil
}
