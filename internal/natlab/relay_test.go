//go:build linux

package natlab

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/turn/v5"
)

// The relay client asks a reflector by way of a TURN server where it seems to be. Without a reflector it asks the TURN server itself, by
// STUN, until there is an answer.

type relayArgs struct{ Server, Reflector netip.AddrPort }

func runRelay(encoded []byte) error {
	var args relayArgs
	if err := json.Unmarshal(encoded, &args); err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return err
	}
	defer socket.Close()
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: args.Server.String(),
		TURNServerAddr: args.Server.String(),
		Username:       turnUser,
		Password:       turnPassword,
		Realm:          turnRealm,
		Conn:           socket,
		RTO:            probeTry,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Listen(); err != nil {
		return err
	}
	if !args.Reflector.IsValid() {
		_, err = client.SendBindingRequest()
		return err
	}
	relayed, err := client.Allocate()
	if err != nil {
		return err
	}
	defer relayed.Close()
	if _, err := relayed.WriteTo([]byte("who"), net.UDPAddrFromAddrPort(args.Reflector)); err != nil {
		return err
	}
	if err := relayed.SetReadDeadline(time.Now().Add(probeTries * probeTry)); err != nil {
		return err
	}
	buf := make([]byte, 1500)
	n, _, err := relayed.ReadFrom(buf)
	fmt.Print(string(buf[:n]))
	return err
}
