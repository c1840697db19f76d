package gns_test

import (
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// BenchmarkBulk moves reliable messages between two Sockets over loopback, encrypted, as fast as they go.
func BenchmarkBulk(b *testing.B) {
	ctx := testContext(b)
	fast := gns.WithConfig(config.Int32(config.SendRateMin, 256<<20), config.Int32(config.SendRateMax, 256<<20),
		config.Int32(config.SendBufferSize, 4<<20))
	l, err := gns.Listen("127.0.0.1:0", fast)
	if err != nil {
		b.Fatal(err)
	}
	c, err := dialAccept(b, ctx, l, fast)
	if err != nil {
		b.Fatal(err)
	}
	const size = 64 << 10
	message := make([]byte, size)
	b.SetBytes(size)
	b.ReportAllocs()
	done := make(chan error, 1)
	go func() {
		for range b.N {
			m, err := c.server.Receive(ctx)
			if err != nil {
				done <- err
				return
			}
			m.Release()
		}
		done <- nil
	}()
	b.ResetTimer()
	for range b.N {
		if err := c.client.SendContext(ctx, message, gns.SendReliable); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRoundTrip sends a small reliable message there and back.
func BenchmarkRoundTrip(b *testing.B) {
	ctx := testContext(b)
	l, err := gns.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go echo(ctx, l)
	c, err := gns.Dial(ctx, l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 100)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := c.Send(message, gns.SendReliableNoNagle); err != nil {
			b.Fatal(err)
		}
		m, err := c.Receive(ctx)
		if err != nil {
			b.Fatal(err)
		}
		m.Release()
	}
}

// BenchmarkConnect connects over loopback, waits until that is so on both sides, and closes again. Both sides are in
// this process, so that allocations are those of both.
func BenchmarkConnect(b *testing.B) {
	ctx := testContext(b)
	l, err := gns.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s, err := gns.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	gone := make(chan struct{}, 1)
	go func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return
			}
			<-c.Done()
			_ = c.CloseWithReason(gns.EndAppGeneric, "", false)
			gone <- struct{}{}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		c, err := gns.Dial(ctx, l.Addr().String(), gns.WithSockets(s))
		if err != nil {
			b.Fatal(err)
		}
		if err := c.CloseWithReason(gns.EndAppGeneric, "", false); err != nil {
			b.Fatal(err)
		}
		<-gone
	}
}
