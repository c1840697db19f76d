package gns_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// connectedPair returns both ends of a connection, for the examples.
func connectedPair(opts ...gns.Option) (client, server *gns.Conn, l *gns.Listener) {
	ctx := context.Background()
	l, err := gns.Listen("127.0.0.1:0", opts...)
	if err != nil {
		log.Fatal(err)
	}
	accepted := make(chan *gns.Conn)
	go func() {
		c, err := l.Accept(ctx)
		if err != nil {
			log.Fatal(err)
		}
		accepted <- c
	}()
	client, err = gns.Dial(ctx, l.Addr().String(), opts...)
	if err != nil {
		log.Fatal(err)
	}
	return client, <-accepted, l
}

// Chat must not wait behind a level that is being sent. Each has a lane; that of chat goes first, because
// its priority number is lower.
func ExampleConn_ConfigureLanes() {
	client, server, _ := connectedPair()
	defer client.Close()
	const chat, level = 0, 1
	if err := server.ConfigureLanes([]int{chat: 0, level: 1}, nil); err != nil {
		log.Fatal(err)
	}
	server.SendLane(level, make([]byte, 100_000), gns.SendReliable)
	server.SendLane(chat, []byte("welcome"), gns.SendReliable)

	for range 2 {
		m, err := client.Receive(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("lane %d: %d bytes\n", m.Lane, len(m.Data))
		m.Release()
	}
	// Output:
	// lane 0: 7 bytes
	// lane 1: 100000 bytes
}

// A large file, in pieces. SendContext waits for room in the send buffer; what has been sent and is
// neither waiting nor unacknowledged has arrived. The send rate, which is fixed, is raised on both sides.
func ExampleConn_SendContext() {
	rate := config.Int32(config.SendRateMax, 50<<20)
	client, server, _ := connectedPair(gns.WithConfig(rate, config.Int32(config.SendRateMin, 50<<20)))
	ctx := context.Background()
	received := make(chan int)
	go func() {
		n := 0
		for m, err := range server.Messages(ctx) {
			if err != nil {
				log.Fatal(err)
			}
			n += len(m.Data)
			m.Release()
		}
		server.Close()
		received <- n
	}()

	file := make([]byte, 4<<20)
	const piece = 64 << 10
	sent, shown := 0, 0
	progress := func() {
		st := client.Status()
		done := sent - st.PendingReliable - st.SentUnackedReliable
		for ; shown < 4 && done*4 >= len(file)*(shown+1); shown++ {
			fmt.Printf("%d %%\n", 25*(shown+1))
		}
	}
	for sent < len(file) {
		if err := client.SendContext(ctx, file[sent:sent+piece], gns.SendReliable); err != nil {
			log.Fatal(err)
		}
		sent += piece
		progress()
	}
	if err := client.Close(); err != nil { // waits until everything has arrived
		log.Fatal(err)
	}
	progress()
	fmt.Println("received", <-received, "bytes")
	// Output:
	// 25 %
	// 50 %
	// 75 %
	// 100 %
	// received 4194304 bytes
}

// A server that goes down for maintenance: everybody gets what was sent to them and is told why it ends.
func ExampleListener_Shutdown() {
	client, server, l := connectedPair()
	server.Send([]byte("your last message"), gns.SendReliable)

	finished := make(chan struct{})
	go func() {
		defer close(finished)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		const maintenance = 1003 // 1000…1999 are the application's
		if err := l.Shutdown(ctx, maintenance, "back in an hour"); err != nil {
			log.Print(err)
		}
	}()

	for {
		m, err := client.Receive(context.Background())
		var why *gns.CloseError
		if errors.As(err, &why) {
			fmt.Println(int(why.Reason), why.Debug)
			break
		}
		fmt.Printf("%s\n", m.Data)
	}
	client.Close()
	<-finished
	// Output:
	// your last message
	// 1003 back in an hour
}

// A test of how a program does on a bad network. The values hold for both directions of all packets of
// the server; Conn.SetConditions is for a single connection. Other networks are in package config:
// FakePacketJitter…, FakePacketReorder…, FakePacketDup…, FakeRateLimit….
func ExampleWithConfig_badNetwork() {
	client, server, _ := connectedPair(gns.WithConfig(
		config.Float(config.FakePacketLossSend, 10), // percent
		config.Float(config.FakePacketLossRecv, 20),
		config.Int32(config.FakePacketLagSend, 20), // milliseconds
	))
	const n = 100
	for i := range n {
		server.Send([]byte{byte(i)}, gns.SendReliableNoNagle)
		server.Send(make([]byte, 1000), gns.SendUnreliableNoNagle) // may get lost
	}
	go server.Close()
	reliable, unreliable, inOrder := 0, 0, true
	for m, err := range client.Messages(context.Background()) {
		switch {
		case err != nil:
			log.Fatal(err)
		case m.Flags&gns.SendReliable == 0:
			unreliable++
		default:
			inOrder = inOrder && int(m.Data[0]) == reliable
			reliable++
		}
		m.Release()
	}
	client.Close()
	fmt.Println(reliable, "reliable messages, in order:", inOrder)
	fmt.Println("all of the others:", unreliable == n)
	// Output:
	// 100 reliable messages, in order: true
	// all of the others: false
}
