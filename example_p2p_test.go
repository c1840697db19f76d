package gns_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gogns/gns"
	"github.com/gogns/gns/signaling/memory"
	"github.com/gogns/gns/transport/ice"
)

// Two peers that know each other by name find each other through a signaling service, here one within the process. Peers on
// different machines use signaling/trivial or signaling/nats, and P2P_STUN_ServerList to learn their public addresses.
func ExampleDialP2P() {
	ctx := context.Background()
	service := memory.New()
	paths := ice.New(ice.Options{IncludeLoopback: true}) // they are on the same machine

	l, err := gns.ListenP2P(0, gns.WithIdentity(gns.GenericString("bob")), gns.WithSignaling(service), gns.WithICE(paths))
	if err != nil {
		log.Fatal(err)
	}
	defer l.Sockets().Close()
	go func() {
		c, err := l.Accept(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if err := c.Send([]byte("hello, "+c.RemoteIdentity().String()), gns.SendReliable); err != nil {
			log.Fatal(err)
		}
	}()

	c, err := gns.DialP2P(ctx, gns.GenericString("bob"), 0,
		gns.WithIdentity(gns.GenericString("alice")), gns.WithSignaling(service), gns.WithICE(paths))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Sockets().Close()
	m, err := c.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", m.Data)
	// Output: hello, str:alice
}
