package ice

import (
	"net/netip"
	"time"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// Limits of an Agent.
const (
	// MaxRemote is how many candidates of the peer an Agent knows at a time. Another one replaces the oldest.
	MaxRemote = 64

	// MaxSockets is how many addresses of this machine an Agent uses at a time.
	MaxSockets = 16

	// MaxServers is how many STUN servers, and how many TURN servers, an Agent uses: the first ones of the list.
	MaxServers = 4
)

// Family restricts which addresses of this machine are used.
type Family uint8

// Address families.
const (
	AnyFamily Family = iota
	IPv4Only
	IPv6Only
)

// Options configures New. The zero Options is what an application normally wants.
type Options struct {
	// IncludeLoopback also uses addresses of loopback interfaces, and checks those that the peer tells. It is for tests and for
	// peers on one machine.
	IncludeLoopback bool

	// Family restricts the addresses of this machine that are used.
	Family Family

	// Interface, if not nil, tells whether to use the network interface of that name.
	Interface func(name string) bool

	// Address, if not nil, tells whether to use an address of this machine.
	Address func(netip.Addr) bool

	// MinPort and MaxPort are the range of ports for sockets; both 0 means any free port. TURN servers are
	// talked to from any port.
	MinPort, MaxPort uint16

	// Watch is how often interfaces that come and go are looked for; 0 means every 2 seconds, and negative never. While an agent
	// has no path it is more often. All agents of one p2p.ICE have one watcher.
	Watch time.Duration

	// Socket configures the sockets.
	Socket udp.Options
}

// New returns what makes agents. It holds nothing that has to be closed; agents must be.
func New(opts Options) p2p.ICE { return newFactory(opts, systemNetwork{opts.Socket}) }
