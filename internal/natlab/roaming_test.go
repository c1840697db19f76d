//go:build linux

package natlab

import (
	"testing"
	"time"

	"github.com/gogns/gns/p2p"
)

// outage is a way for an interface to go away, and to come back.
type outage struct {
	name       string
	away, back func(*Link)
}

var outages = []outage{
	{"switched off", (*Link).Down, (*Link).Up},
	{"unplugged", (*Link).Unplug, (*Link).Plug},
	{"removed", (*Link).Remove, nil},
	{"without an address", (*Link).DropAddress, (*Link).Renumber},
}

// roamer is a session of which one peer has two interfaces, each behind another NAT.
type roamer struct {
	*session
	moving, resting *peerProcess
	host            *Host
	routers         []*Router // of the interfaces
}

// roam connects a host with two interfaces to one behind a NAT.
func roam(t *testing.T, w *world, movesListener bool, other *NAT, change ...func(*peerArgs)) *roamer {
	t.Helper()
	r := &roamer{routers: []*Router{w.Router("cable", PortRestricted), w.Router("wireless", FullCone)}}
	r.host = w.Host("mobile", r.routers[0].LAN("192.168.1.1/24"), r.routers[1].LAN("192.168.178.1/24"))
	resting := w.behind(t, "home", other)
	if movesListener {
		r.session = w.connect(t, r.host, resting, change...)
		r.moving, r.resting = r.listener, r.dialer
	} else {
		r.session = w.connect(t, resting, r.host, change...)
		r.moving, r.resting = r.dialer, r.listener
	}
	r.untilRoute(t, p2p.RouteDirect.String())
	return r
}

// used is the interface that the other peer hears, which is the one of whose router it has the address.
func (r *roamer) used(t *testing.T) *Link {
	t.Helper()
	for i, router := range r.routers {
		if r.resting.route.Remote.Addr() == router.Addr() {
			return r.host.Links[i]
		}
	}
	t.Fatalf("the route leads to %v, which is neither interface's router", r.resting.route.Remote)
	return nil
}

func side(listener bool) string {
	if listener {
		return "listener"
	}
	return "dialer"
}

func TestAnotherInterfaceTakesOver(t *testing.T) {
	tab := newTable(t, "whose", "what", "other behind", "route then", "pause", "pause when back")
	for _, movesListener := range []bool{false, true} {
		for _, other := range []*NAT{nil, kind(PortRestricted)} {
			for _, o := range outages {
				t.Run(side(movesListener)+" "+o.name+", other behind "+kindName(other), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, turnMakers[0])
					r := roam(t, w, movesListener, other)
					link := r.used(t)
					r.forgetPauses(t)

					o.away(link)
					r.flows(t)

					pause, back := r.pause(t), "-"
					route := r.resting.route.Route
					if o.back != nil {
						o.back(link)
						r.flows(t)
						back = r.pause(t).Round(time.Millisecond).String()
					}
					tab.add(side(movesListener), o.name, kindName(other), route, pause, back)
					r.end(t)
				})
			}
		}
	}
}

// untilSilent waits until both peers have heard nothing for a time.
func (s *session) untilSilent(t *testing.T, d time.Duration) {
	t.Helper()
	for _, p := range s.both() {
		p.untilReport(t, "silence", func(r report) bool { return r.Silence >= d })
	}
}

// away is how long the only interface is gone: longer than ICE needs to give up a path, shorter than the connection's timeout.
const away = 4 * time.Second

func TestTheOnlyInterfaceComesBack(t *testing.T) {
	tab := newTable(t, "whose", "what", "behind", "other behind", "route then", "pause")
	for _, movesListener := range []bool{false, true} {
		for _, behind := range []*NAT{kind(PortRestricted), kind(Symmetric)} {
			for _, o := range outages {
				if o.back == nil {
					continue
				}
				t.Run(side(movesListener)+" "+o.name+" behind "+kindName(behind), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, turnMakers[0])
					moving, resting := w.behind(t, "mobile", behind), w.behind(t, "home", kind(PortRestricted))
					hosts := map[bool]*Host{movesListener: moving, !movesListener: resting}
					s := w.connect(t, hosts[true], hosts[false])
					s.forgetPauses(t)

					o.away(moving.Links[0])
					s.untilSilent(t, away)
					o.back(moving.Links[0])

					s.flows(t)
					tab.add(side(movesListener), o.name, kindName(behind), kindName(kind(PortRestricted)), s.dialer.route.Route, s.pause(t))
					s.end(t)
				})
			}
		}
	}
}

// What was direct before is so again, even if the relay is the first to be there when the interface comes back.
func TestTheDirectRouteComesBack(t *testing.T) {
	tab := newTable(t, "whose", "what", "direct after", "longest pause since")
	for _, movesListener := range []bool{false, true} {
		for _, o := range outages {
			if o.back == nil {
				continue
			}
			t.Run(side(movesListener)+" "+o.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, turnMakers[0])
				moving, resting := w.behind(t, "mobile", kind(PortRestricted)), w.behind(t, "home", kind(PortRestricted))
				hosts := map[bool]*Host{movesListener: moving, !movesListener: resting}
				s := w.connect(t, hosts[true], hosts[false])
				s.untilRoute(t, p2p.RouteDirect.String())
				o.away(moving.Links[0])
				s.untilSilent(t, away)
				o.back(moving.Links[0])
				back := time.Now()
				s.flows(t)
				s.forgetPauses(t)

				s.untilRoute(t, p2p.RouteDirect.String())

				took := time.Since(back)
				s.flows(t)
				tab.add(side(movesListener), o.name, took, s.pause(t))
				s.end(t)
			})
		}
	}
}

func TestFromTheLANToAnotherNetwork(t *testing.T) {
	tab := newTable(t, "whose", "route before", "route then", "of the other", "pause", "route in the end", "pause when back")
	for _, movesListener := range []bool{false, true} {
		t.Run(side(movesListener), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, turnMakers[0])
			lan := w.Router("home", PortRestricted).LAN("192.168.1.1/24")
			host := w.Host("mobile", lan, w.Router("carrier", Symmetric).LAN("10.0.0.1/8"))
			hosts := map[bool]*Host{movesListener: host, !movesListener: w.Host("desk", lan)}
			s := w.connect(t, hosts[true], hosts[false])
			s.untilRoute(t, p2p.RouteLocal.String())
			s.forgetPauses(t)
			moving, resting := s.dialer, s.listener
			if movesListener {
				moving, resting = resting, moving
			}

			host.Links[0].Down()
			s.flows(t)
			moving.untilRoute(t, p2p.RouteRelayed.String())
			other, pause := resting.route.Route, s.pause(t)
			host.Links[0].Up()
			s.untilRoute(t, p2p.RouteLocal.String())
			s.flows(t)

			tab.add(side(movesListener), p2p.RouteLocal, p2p.RouteRelayed, other, pause, resting.route.Route, s.pause(t))
			s.end(t)
		})
	}
}

func TestARouterForgets(t *testing.T) {
	tab := newTable(t, "router", "whose", "other behind", "route before", "route then", "pause")
	for _, movesListener := range []bool{false, true} {
		for _, tc := range []struct{ router, other NAT }{
			{FullCone, PortRestricted}, {PortRestricted, PortRestricted}, {Symmetric, FullCone}, {Symmetric, Symmetric},
		} {
			t.Run(side(movesListener)+" behind "+tc.router.String()+", other behind "+tc.other.String(), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, turnMakers[0])
				router := w.Router("router", tc.router)
				moving, resting := w.Host("mobile", router.LAN("192.168.1.1/24")), w.behind(t, "home", &tc.other)
				hosts := map[bool]*Host{movesListener: moving, !movesListener: resting}
				s := w.connect(t, hosts[true], hosts[false])
				before := s.dialer.route.Route
				s.forgetPauses(t)

				router.Forget()

				s.flows(t)
				tab.add(tc.router, side(movesListener), tc.other, before, s.dialer.route.Route, s.pause(t))
				s.end(t)
			})
		}
	}
}
