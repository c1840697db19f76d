package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
)

// exchange makes P2P connections between random peers.
func (l *load) exchange(ctx context.Context) error {
	before, own := usageOf(l.backend.pid), usageOf(os.Getpid())
	start := time.Now()
	took, lost, err := l.try(ctx, l.connects, true, func(number uint64) {
		i := rand.IntN(len(l.peers))
		j := (i + 1 + rand.IntN(len(l.peers)-1)) % len(l.peers)
		l.peers[i].send(l.peers[j].id, 0, number)
	})
	if err != nil {
		return err
	}
	elapsed := time.Since(start)
	n := min(int(l.signals.next.Load()), len(l.signals.all))
	l.printf("%d P2P connections, %d at a time, of %d signals each: %.0f/s, %.0f signals/s, %d lost",
		len(took), l.parallel, len(sizes), float64(len(took))/elapsed.Seconds(), float64(n)/elapsed.Seconds(), lost)
	l.printf("  a signal takes:     %s", percentiles(l.signals.all[:n]))
	l.printf("  a connection takes: %s", percentiles(took))
	l.printf("  server: %s in %.1f s", usageOf(l.backend.pid).since(before), elapsed.Seconds())
	l.printf("  peers:  %s", usageOf(os.Getpid()).since(own))
	if lost > 0 {
		return fmt.Errorf("%d connections did not come about", lost)
	}
	return nil
}

// absent sends to identities that nobody has.
func (l *load) absent(ctx context.Context) error {
	took, lost, err := l.try(ctx, l.connects, false, func(number uint64) {
		l.peers[rand.IntN(len(l.peers))].send(crypto.PSNID(number), 0, number)
	})
	if err != nil {
		return err
	}
	l.printf("%d signals to nobody, %d at a time: the sender is told after %s", len(took), l.parallel, percentiles(took))
	if lost > 0 {
		return fmt.Errorf("%d times the sender was not told", lost)
	}
	return nil
}

// restart kills the server and starts it again.
func (l *load) restart(ctx context.Context) error {
	if l.backend.stop == nil {
		return nil
	}
	_, address, _ := strings.Cut(l.backend.url, "://")
	start := time.Now()
	err := l.backend.stop()
	l.backend.stop = nil
	if err != nil {
		return err
	}
	if err := l.wait(ctx, func() bool { return l.count() == 0 }); err != nil {
		return err
	}
	noticed := time.Since(start)
	start = time.Now()
	again, err := l.start(l.options, address, l.root)
	if err != nil {
		return err
	}
	l.backend = again
	if err := l.waitConnected(ctx); err != nil {
		return err
	}
	l.printf("server killed: all %d peers have noticed after %.1f s; started again: all are back after %.1f s",
		len(l.peers), noticed.Seconds(), time.Since(start).Seconds())
	l.printf("  server: %s", usageOf(again.pid).since(usage{}))
	return nil
}
