//go:build linux

package natlab

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// The probe finds out what translates addresses between it and the reflector, in the terms of RFC 4787.

type probeArgs struct {
	Reflector []netip.Addr
	Hairpin   bool // whether that is to be found out
}

type probeResult struct {
	Mapping, Filtering behavior
	Local, Mapped      netip.AddrPort
	Hairpin            bool // a datagram to an own public address came back
}

// behavior is what a mapping, or who may use it, depends on.
type behavior string

const (
	endpointIndependent  behavior = "endpoint-independent"
	addressDependent     behavior = "address-dependent"
	addressPortDependent behavior = "address-and-port-dependent"
)

const (
	probeTry   = 300 * time.Millisecond // until a request is repeated
	probeTries = 10
)

func runProbe(encoded []byte) error {
	var args probeArgs
	if err := json.Unmarshal(encoded, &args); err != nil {
		return err
	}
	servers := reflectorEndpoints(args.Reflector)
	var result probeResult
	p, err := newProber()
	if err != nil {
		return err
	}
	defer p.socket.Close()
	// Filtering comes first: a mapping must outlast that others have sent to it before it is used towards them, because both
	// sides of a connection send at about the same time.
	heard, err := p.all(servers[0])
	if err != nil {
		return err
	}
	result.Filtering = behaviorOf(heard[1], heard[2] && heard[3])

	var mapped []netip.AddrPort
	for _, server := range servers {
		m, err := p.who(server)
		if err != nil {
			return err
		}
		mapped = append(mapped, m)
	}
	result.Local, result.Mapped = p.local(servers[0]), mapped[0]
	result.Mapping = behaviorOf(mapped[1] == mapped[0], mapped[2] == mapped[0] && mapped[3] == mapped[0])

	if args.Hairpin {
		q, err := newProber()
		if err != nil {
			return err
		}
		defer q.socket.Close()
		if result.Hairpin, err = hairpin(p, q, servers[0]); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// behaviorOf names what is the same for another port, and for another address.
func behaviorOf(port, address bool) behavior {
	switch {
	case port && address:
		return endpointIndependent
	case port:
		return addressDependent
	default:
		return addressPortDependent
	}
}

type prober struct {
	socket *net.UDPConn
	buf    []byte
}

func newProber() (*prober, error) {
	socket, err := net.ListenUDP("udp4", nil)
	return &prober{socket: socket, buf: make([]byte, 1500)}, err
}

// local is the address that is used towards a server.
func (p *prober) local(server netip.AddrPort) netip.AddrPort {
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return netip.AddrPort{}
	}
	defer c.Close()
	addr := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	return netip.AddrPortFrom(addr, p.socket.LocalAddr().(*net.UDPAddr).AddrPort().Port())
}

// who asks where datagrams of this socket seem to come from.
func (p *prober) who(server netip.AddrPort) (netip.AddrPort, error) {
	var mapped netip.AddrPort
	err := p.ask(server, "who", func(answer string) (done bool) {
		var err error
		mapped, err = netip.ParseAddrPort(answer)
		return err == nil
	})
	return mapped, err
}

// all asks a server to send from everywhere, and returns the numbers of the sockets that were heard.
func (p *prober) all(server netip.AddrPort) (map[int]bool, error) {
	mapped, err := p.who(server)
	if err != nil {
		return nil, err
	}
	heard := map[int]bool{}
	err = p.ask(server, "all "+mapped.String(), func(answer string) (done bool) {
		number, err := strconv.Atoi(answer)
		heard[number] = err == nil
		return heard[0]
	})
	return heard, err
}

// ask sends a request until something has come that is all.
func (p *prober) ask(server netip.AddrPort, request string, answer func(string) (done bool)) error {
	return p.try(probeTries, server, request, answer)
}

// try is ask that gives up earlier.
func (p *prober) try(tries int, server netip.AddrPort, request string, answer func(string) (done bool)) error {
	for range tries {
		_, _ = p.socket.WriteToUDPAddrPort([]byte(request), server) // there may be no route at the moment
		if err := p.socket.SetReadDeadline(time.Now().Add(probeTry)); err != nil {
			return err
		}
		for {
			n, _, err := p.socket.ReadFromUDPAddrPort(p.buf)
			if err != nil {
				break // again
			}
			if answer(string(p.buf[:n])) {
				return nil
			}
		}
	}
	return fmt.Errorf("%v does not answer %q", server, request)
}

// hairpin tells whether b hears what a sends to b's public address. After that a server sends there; what comes first decides.
func hairpin(a, b *prober, server netip.AddrPort) (bool, error) {
	mapped, err := b.who(server)
	if err != nil {
		return false, err
	}
	if _, err := a.socket.WriteToUDPAddrPort([]byte("hairpin"), mapped); err != nil {
		return false, err
	}
	heard := false
	err = b.ask(server, "who", func(answer string) (done bool) {
		heard = heard || strings.HasPrefix(answer, "hairpin")
		return !strings.HasPrefix(answer, "hairpin")
	})
	return heard, err
}
