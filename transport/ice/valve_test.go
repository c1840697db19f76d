package ice

import (
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// valve behaves as the ICE of Valve's library does where it differs from RFC 8445: it never answers 487, never checks that
// a path is alive, never restarts, has a password of five characters and candidates with component 0, and when it is controlled
// leaves a path only for one with higher priority.
type valve struct {
	sock        *memSocket
	ufrag, pwd  string
	peer        credentials
	controlling bool
	got         chan string

	mu       sync.Mutex
	pairs    map[netip.AddrPort]*valvePair
	order    []*valvePair
	checks   map[transaction]*valveCheck
	selected *valvePair
}

type valvePair struct {
	remote    netip.AddrPort
	priority  uint64 // of the candidate of the peer, as all others are equal
	checked   bool
	succeeded bool
	nominated bool // by the peer, before it succeeded
}

type valveCheck struct {
	pair      *valvePair
	nominates bool
	sent      time.Time
	sends     int
	msg       *stun.Message
}

func newValve(t *testing.T, m *machine, at string, controlling bool) *valve {
	sock, err := m.listen(addrPort(at))
	require.NoError(t, err)
	v := &valve{
		sock: sock.(*memSocket), ufrag: "SNFZ4", pwd: "3dPxk", controlling: controlling,
		got:    make(chan string, 4096),
		pairs:  make(map[netip.AddrPort]*valvePair),
		checks: make(map[transaction]*valveCheck),
	}
	go v.read()
	go v.think()
	return v
}

func (v *valve) candidate() string {
	at := v.sock.LocalAddr()
	return "candidate:1234567 0 udp 2130706431 " + at.Addr().String() + " " + strconv.Itoa(int(at.Port())) + " typ host"
}

// addCandidate takes a candidate of the peer. One with a known address changes nothing but the type.
func (v *valve) addCandidate(text string) {
	fields := strings.Fields(text)
	priority, _ := strconv.ParseInt(fields[3], 10, 32)
	port, _ := strconv.ParseUint(fields[5], 10, 16)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pair(netip.AddrPortFrom(netip.MustParseAddr(fields[4]), uint16(port)), uint64(priority))
}

func (v *valve) pair(remote netip.AddrPort, priority uint64) *valvePair {
	p := v.pairs[remote]
	if p == nil {
		p = &valvePair{remote: remote, priority: priority}
		v.pairs[remote] = p
		v.order = append(v.order, p)
	}
	return p
}

func (v *valve) write(msg *stun.Message, to netip.AddrPort) {
	_, _ = v.sock.WriteBatch([]udp.Datagram{{Addr: to, Data: msg.Raw}})
}

func (v *valve) check(p *valvePair, nominates bool) {
	p.checked = true
	var role stun.Setter = pion.AttrControlled(1)
	if v.controlling {
		role = pion.AttrControlling(1)
	}
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest,
		stun.NewUsername(v.peer.ufrag + ":" + v.ufrag), pion.PriorityAttr(110<<24 | 65535<<8 | 255), role}
	if nominates {
		setters = append(setters, pion.UseCandidate())
	}
	msg := stun.MustBuild(append(setters, stun.NewShortTermIntegrity(v.peer.pwd), stun.Fingerprint)...)
	c := &valveCheck{pair: p, nominates: nominates, sent: time.Now(), sends: 1, msg: msg}
	v.checks[msg.TransactionID] = c
	v.write(msg, p.remote)
}

// think sends one new check each 50 ms, and repeats those without an answer.
func (v *valve) think() {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-v.sock.closed:
			return
		case <-ticker.C:
		}
		v.mu.Lock()
		for id, c := range v.checks {
			again := [...]time.Duration{0, 400, 1000, 1900, 3250, 5300}[c.sends] * time.Millisecond
			if time.Since(c.sent) < again {
				continue
			}
			if c.sends++; c.sends > 5 {
				delete(v.checks, id)
				continue
			}
			v.write(c.msg, c.pair.remote)
		}
		if v.peer.pwd != "" {
			for _, p := range v.order {
				if !p.checked {
					v.check(p, false)
					break
				}
			}
		}
		v.mu.Unlock()
	}
}

func (v *valve) read() {
	var b udp.Batch
	for v.sock.ReadBatch(&b) == nil {
		for _, d := range b.Datagrams {
			if isSTUN(d.Data) {
				v.stun(d.Addr, d.Data)
			} else {
				v.got <- string(d.Data)
			}
		}
	}
}

func (v *valve) stun(from netip.AddrPort, b []byte) {
	msg := &stun.Message{Raw: append([]byte(nil), b...)}
	if msg.Decode() != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if msg.Type.Class != stun.ClassRequest {
		// "message type and source address are not checked — an error response counts as success"
		if c := v.checks[msg.TransactionID]; c != nil {
			delete(v.checks, msg.TransactionID)
			v.succeed(c)
		}
		return
	}
	user, err := msg.Get(stun.AttrUsername)
	if err != nil || !strings.HasPrefix(string(user), v.ufrag+":"+v.peer.ufrag) || stun.NewShortTermIntegrity(v.pwd).Check(msg) != nil {
		return
	}
	var priority pion.PriorityAttr
	_ = priority.GetFrom(msg)
	p := v.pair(from, uint64(priority))
	v.write(stun.MustBuild(msg, stun.BindingSuccess,
		&stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
		stun.NewUsername(string(user)), stun.NewShortTermIntegrity(v.pwd), stun.Fingerprint), from)
	if !p.succeeded {
		v.check(p, false)
	}
	if v.controlling || !msg.Contains(stun.AttrUseCandidate) {
		return
	}
	switch {
	case v.selected != nil && v.selected != p && p.priority <= v.selected.priority:
	case p.succeeded:
		v.selected = p
	default:
		p.nominated = true
	}
}

func (v *valve) succeed(c *valveCheck) {
	p := c.pair
	p.succeeded = true
	switch {
	case v.controlling && c.nominates, p.nominated:
		v.selected, p.nominated = p, false
	case v.controlling && (v.selected == nil || p.priority > v.selected.priority):
		v.check(p, true)
	}
}

// send sends a datagram on the selected pair.
func (v *valve) send(data string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.selected != nil {
		_, _ = v.sock.WriteBatch([]udp.Datagram{{Addr: v.selected.remote, Data: []byte(data)}})
	}
}

// meet makes an agent and Valve's look for a path.
func (v *valve) meet(t *testing.T, a *peer) {
	v.mu.Lock()
	v.peer = credentials{a.cfg.Ufrag, a.cfg.Pwd}
	v.mu.Unlock()
	a.mu.Lock()
	a.tell = v.addCandidate
	a.mu.Unlock()
	a.Gather()
	require.NoError(t, a.Start(!v.controlling, v.ufrag, v.pwd))
	require.NoError(t, a.AddCandidate(v.candidate()))
}

func TestValve(t *testing.T) {
	for _, controlling := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24"), setup{tell: p2p.AllCandidates})
			defer a.Close()
			v := newValve(t, w.machine(w.internet, "203.0.113.1/24"), "203.0.113.1:5000", controlling)
			defer v.sock.Close()
			begin := time.Now()
			v.meet(t, a)
			<-a.routes
			require.Less(t, time.Since(begin), 200*time.Millisecond)
			a.send("hello")
			require.Equal(t, "hello", <-v.got)
			time.Sleep(time.Second)
			v.send("hello")
			require.Equal(t, "hello", <-a.got)
		})
	}
}

// Valve's library does not notice that a path is dead. It can be made to take another one all the same.
func TestValveFollowsToAnotherPath(t *testing.T) {
	for _, controlling := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			m := w.machine(w.internet, "192.0.2.1/24", "192.0.2.2/24")
			a := newPeer(t, "alice", m, setup{tell: p2p.AllCandidates})
			defer a.Close()
			v := newValve(t, w.machine(w.internet, "203.0.113.1/24"), "203.0.113.1:5000", controlling)
			defer v.sock.Close()
			v.meet(t, a)
			first := <-a.routes
			time.Sleep(3 * time.Second)
			for len(a.routes) > 0 {
				first = <-a.routes
			}
			w.cut([2]string{first.Local.Addr().String(), "203.0.113.1"})
			begin := time.Now()
			for len(a.got) == 0 || len(v.got) == 0 {
				require.Less(t, time.Since(begin), 6*time.Second)
				a.send("are you there?")
				v.send("yes")
				a.Suspect()
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
}
