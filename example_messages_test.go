package gns_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gogns/gns"
	"github.com/gogns/gns/signaling/memory"
	"github.com/gogns/gns/transport/ice"
)

// Two peers write to each other by name, without connections. Whoever writes to somebody accepts what he has to say; the other
// way around, a callback decides.
func ExampleMessages() {
	ctx := context.Background()
	service := memory.New()
	paths := ice.New(ice.Options{IncludeLoopback: true}) // they are on the same machine
	open := func(name string) *gns.Sockets {
		s, err := gns.New(&gns.Options{Identity: gns.GenericString(name), Signaling: service, ICE: paths})
		if err != nil {
			log.Fatal(err)
		}
		return s
	}
	alice, bob := open("alice"), open("bob")
	defer alice.Close()
	defer bob.Close()
	const chat = 0 // a channel

	bob.Messages().OnSessionRequest(func(r gns.SessionRequest) {
		fmt.Println(r.Peer, "asks")
		if err := bob.Messages().AcceptSessionWithUser(r.Peer); err != nil {
			log.Print(err)
		}
	})
	if err := alice.Messages().SendMessageToUser(gns.GenericString("bob"), []byte("hello"), gns.SendReliable, chat); err != nil {
		log.Fatal(err)
	}

	// A game does this once per frame, without Wait.
	var buf [16]*gns.Message
	for answered := false; !answered; {
		if err := bob.Wait(ctx); err != nil {
			log.Fatal(err)
		}
		bob.RunCallbacks()
		n, err := bob.Messages().ReceiveMessagesOnChannel(chat, buf[:])
		if err != nil {
			log.Fatal(err)
		}
		for _, m := range buf[:n] {
			text := fmt.Sprintf("%s, %v", m.Data, m.Peer)
			if err := bob.Messages().SendMessageToUser(m.Peer, []byte(text), gns.SendReliable, chat); err != nil {
				log.Fatal(err)
			}
			m.Release()
			answered = true
		}
	}

	m, err := alice.Messages().Receive(ctx, chat)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s\n", m.Peer, m.Data)
	// Output:
	// str:alice asks
	// str:bob: hello, str:alice
}
