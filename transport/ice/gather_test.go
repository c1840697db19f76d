package ice

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
)

// toldAbout gathers and returns address and type of all candidates, sorted, with ports left out.
func toldAbout(p *peer) []string {
	p.Gather()
	<-p.gathered
	var found []string
	for _, c := range p.told() {
		fields := strings.Fields(c)
		found = append(found, fields[4]+" "+fields[7])
	}
	slices.Sort(found)
	return found
}

func TestWhatIsTold(t *testing.T) {
	private := []string{"10.0.1.2 host", "169.254.7.7 host", "172.31.1.1 host", "192.168.1.2 host"}
	public := []string{"100.64.0.1 host", "172.32.0.1 host", "2001:db8::2 host", "fd00::2 host"}
	for _, test := range []struct {
		name  string
		tell  p2p.Candidates
		want  []string
		kinds []p2p.Candidates
	}{
		{"all", p2p.AllCandidates, slices.Concat(private, public, []string{"192.0.2.1 srflx", "198.51.100.2 relay"}), nil},
		{"private", p2p.CandidatePrivate, private, []p2p.Candidates{p2p.CandidatePrivate}},
		{"public", p2p.CandidatePublic, append(public, "192.0.2.1 srflx"), []p2p.Candidates{p2p.CandidatePublic}},
		{"relay", p2p.CandidateRelay, []string{"198.51.100.2 relay"}, []p2p.Candidates{p2p.CandidateRelay}},
		{"private and relay", p2p.CandidatePrivate | p2p.CandidateRelay, append(slices.Clone(private), "198.51.100.2 relay"), nil},
		{"nothing", 0, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				defer relayServer(t, w.machine(w.internet, "198.51.100.1/24"), stunAt).Close()
				defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
				m := w.machine(w.addNAT("192.0.2.1", false, samePortAlso),
					"10.0.1.2/24", "169.254.7.7/16", "172.31.1.1/16", "172.32.0.1/16", "192.168.1.2/24", "100.64.0.1/10",
					"2001:db8::2/64", "fd00::2/64", "fe80::2/64")
				m.addrs = append(m.addrs, address{prefix: netip.MustParsePrefix("127.0.0.1/8"), name: "lo", loopback: true})
				a := newPeer(t, "alice", m, setup{
					tell: test.tell, stun: []string{stunAt},
					turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}},
				})
				defer a.Close()
				found := slices.Compact(toldAbout(a)) // each address has a reflexive one
				slices.Sort(test.want)
				require.Equal(t, test.want, found)
				for _, kind := range a.kinds {
					require.True(t, test.kinds == nil || slices.Contains(test.kinds, kind))
				}
				for _, c := range a.told() {
					require.True(t, strings.HasPrefix(c, "candidate:"))
					require.NotContains(t, c, "raddr", "the address behind is nobody's business")
				}
			})
		})
	}
}

func TestOptionsSayWhichAddressesAreUsed(t *testing.T) {
	for _, test := range []struct {
		name string
		opts Options
		want []string
	}{
		{"defaults", Options{}, []string{"192.0.2.1 host", "192.0.2.2 host", "2001:db8::2 host"}},
		{"IPv4", Options{Family: IPv4Only}, []string{"192.0.2.1 host", "192.0.2.2 host"}},
		{"IPv6", Options{Family: IPv6Only}, []string{"2001:db8::2 host"}},
		{"loopback", Options{IncludeLoopback: true, Family: IPv4Only},
			[]string{"127.0.0.1 host", "192.0.2.1 host", "192.0.2.2 host"}},
		{"an interface", Options{Interface: func(name string) bool { return name != "eth0" }, IncludeLoopback: true},
			[]string{"127.0.0.1 host"}},
		{"an address", Options{Address: func(ip netip.Addr) bool { return ip == netip.MustParseAddr("192.0.2.2") }},
			[]string{"192.0.2.2 host"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				m := w.machine(w.internet, "192.0.2.1/24", "192.0.2.2/24", "2001:db8::2/64", "127.0.0.1/8")
				m.addrs[3].name, m.addrs[3].loopback = "lo", true
				a := newPeer(t, "alice", m, setup{tell: p2p.AllCandidates, opts: test.opts})
				defer a.Close()
				require.Equal(t, test.want, toldAbout(a))
			})
		})
	}
}

func TestPortRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		m := w.machine(w.internet, "192.0.2.1/24")
		opts := Options{MinPort: 5000, MaxPort: 5001}
		for range 2 {
			a := newPeer(t, "alice", m, setup{tell: p2p.AllCandidates, opts: opts})
			defer a.Close()
			require.Len(t, toldAbout(a), 1)
		}
		late := newPeer(t, "late", m, setup{tell: p2p.AllCandidates, opts: opts})
		defer late.Close()
		require.Empty(t, toldAbout(late), "both ports are taken")
		require.ElementsMatch(t, []netip.AddrPort{addrPort("192.0.2.1:5000"), addrPort("192.0.2.1:5001")}, w.open())
	})
}

// open returns the addresses of all sockets.
func (w *world) open() []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []netip.AddrPort
	for p := range w.sockets {
		all = append(all, p.addr)
	}
	return all
}

func TestServersWithNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer relayServer(t, w.machine(w.internet, "198.51.100.1/24"), stunAt).Close()
		defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
		m := w.machine(w.addNAT("192.0.2.1", false, samePortAlso), "10.0.1.2/24")
		m.names = map[string][]netip.Addr{
			"stun.example.com": {netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("198.51.100.1")},
			"turn.example.com": {netip.MustParseAddr("198.51.100.2")},
		}
		a := newPeer(t, "alice", m, setup{
			tell: p2p.AllCandidates,
			stun: []string{"stun:stun.example.com:3478", "slow.example.com:3478", "no port", "stun.example.com:0", ""},
			turn: []p2p.TURNServer{
				{Address: "turn:turn.example.com:3478", User: "user", Password: "secret"},
				{Address: "turn.example.com:3478", User: "user", Password: "wrong"},
				{Address: "slow.example.com:3478"},
			},
		})
		defer a.Close()
		require.Equal(t, []string{"10.0.1.2 host", "192.0.2.1 srflx", "198.51.100.2 relay"}, toldAbout(a))
	})
}

// A program that must not show its address sends nothing but to its relay.
func TestRelayOnlySendsOnlyToRelay(t *testing.T) {
	for _, controls := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			defer relayServer(t, w.machine(w.internet, "198.51.100.1/24"), stunAt).Close()
			defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
			s := setup{
				tell: p2p.CandidateRelay, stun: []string{stunAt},
				turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}},
			}
			w.sent = func(from, to netip.AddrPort, _ []byte) {
				if from.Addr().String() == "192.0.2.1" && to != addrPort(turnAt) {
					t.Errorf("something goes to %v", to)
				}
			}
			a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), s)
			defer a.Close()
			b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
			defer b.Close()
			if controls {
				connect(t, a, b)
			} else {
				connect(t, b, a)
			}
			require.Equal(t, p2p.RouteRelayed, (<-a.routes).Kind)
			for (<-b.routes).Kind != p2p.RouteRelayed {
				// The relay's address was seen before it was told to be one.
			}
			talk(t, a, b)
			require.Equal(t, []string{"relay"}, candidateTypes(a.told()))
			a.Suspect()
			talk(t, a, b)
		})
	}
}
