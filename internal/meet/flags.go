// Package meet is how the commands let peers find each other: flags that say through what server, and what paths to look for,
// and a signaling service that says when it does not work.
package meet

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/gogns/gns/config"
)

// Flags are the values of the flags.
type Flags struct {
	Signal     string // host:port of the signaling server; empty: not given
	STUN, TURN string // lists, separated by commas
	User       string // at the TURN servers
	Password   string
	ForceRelay bool
	Loopback   bool

	loopbackSet bool // it was given, and is not to be guessed
}

// Names are the names of the flags.
var Names = []string{"signal", "stun", "turn", "turn-user", "turn-pass", "force-relay", "loopback"}

// Ports of servers that are given without one.
const (
	signalPort = "10000" // Valve's example server has it too
	stunPort   = "3478"  // also of TURN: RFC 8489 and 8656
)

// DefaultSignal is the signaling server on this machine.
const DefaultSignal = "127.0.0.1:" + signalPort

// Register defines the flags.
func (f *Flags) Register(fs *flag.FlagSet) {
	fs.StringVar(&f.Signal, "signal", f.Signal, "")
	fs.StringVar(&f.STUN, "stun", "", "")
	fs.StringVar(&f.TURN, "turn", "", "")
	fs.StringVar(&f.User, "turn-user", "", "")
	fs.StringVar(&f.Password, "turn-pass", "", "")
	fs.BoolVar(&f.ForceRelay, "force-relay", false, "")
	fs.BoolVar(&f.Loopback, "loopback", false, "")
}

// Check completes what was given and finds what makes no sense. given has the names of the flags that were given,
// passwordEnv is the environment variable with the password of TURN servers where none was given, and values are those that are
// set besides.
func (f *Flags) Check(given map[string]bool, passwordEnv string, values []config.Value) (err error) {
	f.loopbackSet = given["loopback"]
	if f.Signal, err = withPort(f.Signal, signalPort); err != nil {
		return fmt.Errorf("-signal: %w", err)
	}
	if f.STUN, err = serverList(f.STUN, "stun:"); err != nil {
		return fmt.Errorf("-stun: %w", err)
	}
	if f.TURN, err = serverList(f.TURN, "turn:"); err != nil {
		return fmt.Errorf("-turn: %w", err)
	}
	if f.Password == "" {
		f.Password = os.Getenv(passwordEnv)
	}
	has := func(id config.ID) bool {
		return slices.ContainsFunc(values, func(v config.Value) bool { return v.ID() == id })
	}
	switch {
	case (given["turn-user"] || given["turn-pass"]) && !given["turn"]:
		return errors.New("-turn-user and -turn-pass mean nothing without -turn")
	case (f.User == "") != (f.Password == "") && given["turn"]:
		return fmt.Errorf("-turn-user and -turn-pass (or the environment variable %s) go together", passwordEnv)
	case strings.ContainsRune(f.User+f.Password, ',') && given["turn"]:
		return errors.New("-turn-user and -turn-pass cannot have commas, which separate values in lists")
	case f.ForceRelay && !given["turn"] && !has(config.P2PTURNServerList):
		return errors.New("-force-relay needs a relay: -turn HOST:PORT")
	case f.ForceRelay && given["stun"]:
		return errors.New("-stun means nothing with -force-relay: no address of this side's own is told to the peer")
	case f.ForceRelay && has(config.P2PTransportICEEnable):
		return errors.New("-force-relay and -config P2P_Transport_ICE_Enable do not go together")
	}
	return nil
}

// serverList completes a list of servers: blanks and schemes are dropped, missing ports added.
func serverList(list, scheme string) (string, error) {
	if list == "" {
		return "", nil
	}
	servers := strings.Split(list, ",")
	for i, s := range servers {
		s, err := withPort(strings.TrimPrefix(strings.TrimSpace(s), scheme), stunPort)
		if err != nil {
			return "", err
		}
		servers[i] = s
	}
	return strings.Join(servers, ","), nil
}

// withPort completes HOST or HOST:PORT.
func withPort(address, port string) (string, error) {
	if ip, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
		return net.JoinHostPort(ip.String(), port), nil
	}
	if address != "" && !strings.ContainsRune(address, ':') {
		return net.JoinHostPort(address, port), nil
	}
	host, given, err := net.SplitHostPort(address)
	if err != nil || host == "" || given == "" {
		return "", fmt.Errorf("%q is not of the form HOST or HOST:PORT", address)
	}
	return address, nil
}

// Values are the configuration values that the flags stand for.
func (f *Flags) Values() (list []config.Value) {
	text := func(id config.ID, s string) {
		if s != "" {
			list = append(list, config.String(id, s))
		}
	}
	text(config.P2PSTUNServerList, f.STUN)
	text(config.P2PTURNServerList, f.TURN)
	if f.User != "" && f.TURN != "" {
		others := strings.Count(f.TURN, ",") // every server has the same
		text(config.P2PTURNUserList, f.User+strings.Repeat(","+f.User, others))
		text(config.P2PTURNPassList, f.Password+strings.Repeat(","+f.Password, others))
	}
	if f.ForceRelay {
		list = append(list, config.Int32(config.P2PTransportICEEnable, config.P2PTransportICEEnableRelay))
	}
	return list
}

// WithinMachine reports whether paths over the loopback interface are worth looking for, unless a flag says so: whoever
// finds its signaling server there may have peers there, and where there is no other address nothing else is
// possible.
func (f *Flags) WithinMachine() bool {
	addrs, _ := net.InterfaceAddrs() // none: then there is nothing but loopback
	return f.withinMachine(addrs)
}

func (f *Flags) withinMachine(addrs []net.Addr) bool {
	if f.loopbackSet {
		return f.Loopback
	}
	host, _, _ := net.SplitHostPort(f.Signal) // it has been checked
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	return !slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && !n.IP.IsLoopback() && (n.IP.To4() != nil || !n.IP.IsLinkLocalUnicast())
	})
}
