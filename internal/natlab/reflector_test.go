//go:build linux

package natlab

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
)

// The reflector has a socket on every of two ports of two addresses, numbered address by address. It understands two requests:
//
//	who              answered with the address and port that the request came from
//	all ADDR:PORT    sends its number from every socket to there, from the one that got the request last
//
// The last is the mark by which a probe knows that the others will not arrive any more: nothing overtakes on the way.

type reflectorArgs struct{ Addrs []netip.Addr }

var reflectorPorts = []uint16{4000, 4001}

// reflectorEndpoints are the addresses of the sockets, by their numbers.
func reflectorEndpoints(addrs []netip.Addr) []netip.AddrPort {
	var endpoints []netip.AddrPort
	for _, addr := range addrs {
		for _, port := range reflectorPorts {
			endpoints = append(endpoints, netip.AddrPortFrom(addr, port))
		}
	}
	return endpoints
}

func runReflector(encoded []byte) error {
	var args reflectorArgs
	if err := json.Unmarshal(encoded, &args); err != nil {
		return err
	}
	var sockets []*net.UDPConn
	for _, endpoint := range reflectorEndpoints(args.Addrs) {
		socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(endpoint))
		if err != nil {
			return err
		}
		sockets = append(sockets, socket)
	}
	for i := range sockets {
		go reflect(sockets, i)
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func reflect(sockets []*net.UDPConn, own int) {
	buf := make([]byte, 1500)
	for {
		n, from, err := sockets[own].ReadFromUDPAddrPort(buf)
		if err != nil {
			continue // an ICMP message about something sent before
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		verb, argument, _ := strings.Cut(string(buf[:n]), " ")
		switch verb {
		case "who":
			answer := strings.TrimSpace(from.String() + " " + argument)  // by which who asks knows what it is the answer to
			_, _ = sockets[own].WriteToUDPAddrPort([]byte(answer), from) // the probe asks again
		case "all":
			if to, err := netip.ParseAddrPort(argument); err == nil {
				sendAll(sockets, own, to)
			}
		}
	}
}

func sendAll(sockets []*net.UDPConn, last int, to netip.AddrPort) {
	for i, socket := range sockets {
		if i != last {
			_, _ = fmt.Fprint(toAddr{socket, to}, i) // that it does not arrive is what the probe wants to know
		}
	}
	_, _ = fmt.Fprint(toAddr{sockets[last], to}, last)
}

// toAddr writes datagrams to an address.
type toAddr struct {
	socket *net.UDPConn
	to     netip.AddrPort
}

func (w toAddr) Write(p []byte) (int, error) { return w.socket.WriteToUDPAddrPort(p, w.to) }
