package gns_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"time"

	"github.com/gogns/gns"
)

// A game server that turns over at a fixed rate. All its connections are in one poll group, so that each
// turn receives everything with one loop; everything happens in one goroutine, and nothing needs a lock.
// Directory examples/arena has a whole game.
func ExampleSockets_pollGroup() {
	s, err := gns.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	group := s.CreatePollGroup()
	position := make(map[gns.Connection]int) // of every player: the game

	s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		switch e.Info.State {
		case gns.StateConnecting:
			s.SetConnectionPollGroup(e.Conn, group) // first, so that it gets every message
			s.AcceptConnection(e.Conn)
			position[e.Conn] = 0
		case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
			s.CloseConnection(e.Conn, 0, "", false)
			delete(position, e.Conn)
		}
	})
	listen, err := s.CreateListenSocketIP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		log.Fatal(err)
	}
	addr, err := s.ListenSocketAddress(listen)
	if err != nil {
		log.Fatal(err)
	}
	scores := make(chan string)
	go player(addr.String(), "alice", 3, scores)
	go player(addr.String(), "bob", 5, scores)

	tick := time.NewTicker(time.Second / 60)
	defer tick.Stop()
	var results []string
	for len(results) < 2 {
		select {
		case <-tick.C:
		case score := <-scores:
			results = append(results, score)
			continue
		}
		// Hear …
		s.RunCallbacks()
		var messages [64]*gns.Message
		for {
			n, err := s.ReceiveMessagesOnPollGroup(group, messages[:])
			if n == 0 || err != nil {
				break
			}
			for _, m := range messages[:n] {
				position[m.Conn] += int(m.Data[0]) // … and think …
				m.Release()
			}
		}
		// … and tell.
		var snapshots []*gns.OutMessage
		for conn, at := range position {
			snapshots = append(snapshots, &gns.OutMessage{Conn: conn, Data: []byte{byte(at)}, Flags: gns.SendUnreliableNoDelay})
		}
		s.SendMessages(snapshots)
	}
	slices.Sort(results)
	fmt.Println(results)
	// Output:
	// [alice is at 3 bob is at 5]
}

// player makes steps, reliably, and waits for a snapshot in which it has made them all.
func player(addr, name string, steps int, scores chan<- string) {
	ctx := context.Background()
	c, err := gns.Dial(ctx, addr)
	if err != nil {
		log.Fatal(err)
	}
	for range steps {
		c.Send([]byte{1}, gns.SendReliable)
	}
	for m, err := range c.Messages(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if at := int(m.Data[0]); at == steps {
			scores <- fmt.Sprintf("%s is at %d", name, at)
			break
		}
	}
	c.Close()
}
