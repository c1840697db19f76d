package gns_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// A server that sends every message back, and a client that tries it.
func Example() {
	ctx := context.Background()
	l, err := gns.Listen("127.0.0.1:0", gns.WithIdentity(gns.GenericString("echo-server")))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for c, err := range l.Connections(ctx) {
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for m, err := range c.Messages(ctx) { // until the client is done
					if err != nil {
						return
					}
					c.Send(m.Data, m.Flags)
					m.Release()
				}
			}()
		}
	}()

	c, err := gns.Dial(ctx, l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("connected to", c.RemoteIdentity())
	c.Send([]byte("hello"), gns.SendReliable)
	m, err := c.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("received %q\n", m.Data)
	c.Close()
	l.Close()
	// Output:
	// connected to str:echo-server
	// received "hello"
}

// The same in the manner of ISteamNetworkingSockets: handles, callbacks and polling.
func ExampleSockets() {
	ctx := context.Background()
	s, err := gns.New(&gns.Options{Config: []config.Value{config.Int32(config.NagleTime, 0)}})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	var server gns.Connection
	s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		if e.Info.ListenSocket != 0 && e.Info.State == gns.StateConnecting {
			server = e.Conn
			s.AcceptConnection(e.Conn)
		}
	})
	listen, err := s.CreateListenSocketIP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		log.Fatal(err)
	}
	addr, _ := s.ListenSocketAddress(listen)
	client, err := s.ConnectByIPAddress(addr)
	if err != nil {
		log.Fatal(err)
	}
	s.SendMessageToConnection(client, []byte("hello"), gns.SendReliable) // waits for the connection

	for received := false; !received; {
		if err := s.Wait(ctx); err != nil {
			log.Fatal(err)
		}
		s.RunCallbacks()
		var messages [16]*gns.Message
		n, _ := s.ReceiveMessagesOnConnection(server, messages[:])
		for _, m := range messages[:n] {
			fmt.Printf("received %q\n", m.Data)
			received = true
		}
	}
	// Output:
	// received "hello"
}
