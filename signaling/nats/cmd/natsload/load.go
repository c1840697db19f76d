package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"

	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/signaling/nats"
)

// patience is how long one simulated P2P connection may take.
const patience = 10 * time.Second

// openers is how many peers are opened at a time. What takes time is making keys and certificates.
const openers = 16

// load is a measurement.
type load struct {
	*options
	start starter
	out   io.Writer

	began   time.Time
	backend *backend
	root    string // public key of the authority in hexadecimal; "" if there is none
	peers   []*peer
	signals *latencies

	number   atomic.Uint64
	attempts sync.Map // of number: *attempt
}

func (l *load) now() time.Duration { return time.Since(l.began) }

func (l *load) printf(format string, args ...any) { _, _ = fmt.Fprintf(l.out, format+"\n", args...) }

// connect starts the server and connects all peers.
func (l *load) connect(ctx context.Context) error {
	l.began = time.Now()
	l.signals = newLatencies(len(sizes) * l.connects)
	options := nats.Options{Rate: 1e6, Burst: 1e6}
	if l.certificates {
		credentials, err := l.authority()
		if err != nil {
			return err
		}
		options.Credentials = credentials
	}
	var err error
	if l.backend, err = l.start(l.options, "127.0.0.1:0", l.root); err != nil {
		return err
	}
	options.URL = l.backend.url
	service, err := nats.New(options)
	if err != nil {
		return err
	}
	idle := usageOf(l.backend.pid)
	start := time.Now()
	if err := l.open(service); err != nil {
		return err
	}
	if err := l.waitConnected(ctx); err != nil {
		return err
	}
	took := time.Since(start)
	l.printf("%d peers, each with a connection of its own, connected in %.1f s (%.0f/s)", len(l.peers), took.Seconds(), float64(len(l.peers))/took.Seconds())
	l.printf("  server: %s; %d MiB before", usageOf(l.backend.pid).since(idle), idle.memory>>20)
	l.printf("  peers:  %s", usageOf(os.Getpid()).since(usage{}))
	return nil
}

// authority makes one, and returns a source of credentials. It signs for each peer once.
func (l *load) authority() (func(crypto.Identity) (nats.Credentials, error), error) {
	key, err := crypto.NewSigningKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, err := pki.NewAuthority(key)
	if err != nil {
		return nil, err
	}
	l.root = hex.EncodeToString(ca.PublicKey())
	var issued sync.Map
	return func(self crypto.Identity) (nats.Credentials, error) {
		if c, ok := issued.Load(self); ok {
			return c.(nats.Credentials), nil
		}
		key, err := crypto.NewSigningKey(rand.Reader)
		if err != nil {
			return nats.Credentials{}, err
		}
		cert, err := ca.Sign(pki.Template{
			Key: key.Public().(ed25519.PublicKey), Identity: self, AppIDs: []uint32{0}, Expiry: time.Now().Add(24 * time.Hour),
		})
		if err != nil {
			return nats.Credentials{}, err
		}
		c := nats.Credentials{Certificate: cert.Marshal(), Key: key}
		issued.Store(self, c)
		return c, nil
	}, nil
}

// open opens all peers.
func (l *load) open(service *nats.Service) error {
	l.peers = make([]*peer, l.options.peers)
	var next atomic.Int64
	var opening sync.WaitGroup
	failed := make(chan error, openers)
	for range openers {
		opening.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(l.peers) {
					return
				}
				p := &peer{load: l, id: crypto.GenericString(fmt.Sprint("peer", i))}
				client, err := service.Open(p.id, p)
				if err != nil {
					failed <- err
					return
				}
				p.client = client
				l.peers[i] = p
			}
		})
	}
	opening.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// count returns how many peers are connected.
func (l *load) count() (n int) {
	for _, p := range l.peers {
		if p.client.(*nats.Client).Stats().Connected {
			n++
		}
	}
	return n
}

func (l *load) waitConnected(ctx context.Context) error {
	return l.wait(ctx, func() bool { return l.count() == len(l.peers) })
}

func (l *load) wait(ctx context.Context, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d peers are connected: %w", l.count(), len(l.peers), ctx.Err())
		}
	}
	return nil
}

// try makes connections, many at a time, and returns how long those took that came about as wanted.
func (l *load) try(ctx context.Context, count int, want bool, begin func(number uint64)) (took []time.Duration, lost int, err error) {
	var mu sync.Mutex
	var trying sync.WaitGroup
	var next atomic.Int64
	start := time.Now()
	for range l.parallel {
		trying.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(count) {
					return
				}
				if l.rate > 0 {
					time.Sleep(time.Until(start.Add(time.Duration(float64(i) / l.rate * float64(time.Second)))))
				}
				d, ok := l.one(ctx, want, begin)
				mu.Lock()
				if ok {
					took = append(took, d)
				} else {
					lost++
				}
				mu.Unlock()
			}
		})
	}
	trying.Wait()
	return took, lost, ctx.Err()
}

// one makes one connection.
func (l *load) one(ctx context.Context, want bool, begin func(number uint64)) (time.Duration, bool) {
	number := l.number.Add(1)
	a := &attempt{make(chan bool, 1)}
	l.attempts.Store(number, a)
	defer l.attempts.Delete(number)
	start := time.Now()
	begin(number)
	select {
	case got := <-a.done:
		return time.Since(start), got == want
	case <-time.After(patience):
	case <-ctx.Done():
	}
	return 0, false
}

func (l *load) finish(number uint64, ok bool) {
	if a, there := l.attempts.Load(number); there {
		select {
		case a.(*attempt).done <- ok:
		default: // already
		}
	}
}

// fail ends an attempt that cannot come about.
func (l *load) fail(number uint64) { l.finish(number, false) }

// exchange makes P2P connections between random peers.
func (l *load) exchange(ctx context.Context) error {
	before, own := usageOf(l.backend.pid), usageOf(os.Getpid())
	start := time.Now()
	took, lost, err := l.try(ctx, l.connects, true, func(number uint64) {
		i := mathrand.IntN(len(l.peers))
		j := (i + 1 + mathrand.IntN(len(l.peers)-1)) % len(l.peers)
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
		l.peers[mathrand.IntN(len(l.peers))].send(crypto.PSNID(number), 0, number)
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
	again, err := l.start(l.options, address, l.root)
	if err != nil {
		return err
	}
	l.backend = again
	if err := l.waitConnected(ctx); err != nil {
		return err
	}
	l.printf("server killed and started again: all %d peers are back %.1f s after the kill", len(l.peers), time.Since(start).Seconds())
	l.printf("  server: %s", usageOf(again.pid).since(usage{}))
	return nil
}

// close ends everything.
func (l *load) close() {
	var closing sync.WaitGroup
	for _, p := range l.peers {
		if p != nil {
			closing.Go(func() { _ = p.client.Close() })
		}
	}
	closing.Wait()
	if l.backend != nil && l.backend.stop != nil {
		_ = l.backend.stop()
	}
}

// percentiles describes durations.
func percentiles(d []time.Duration) string {
	if len(d) == 0 {
		return "never"
	}
	d = slices.Sorted(slices.Values(d))
	at := func(share float64) time.Duration { return d[int(share*float64(len(d)-1))].Round(time.Microsecond) }
	return fmt.Sprintf("p50 %v, p99 %v, at most %v", at(0.5), at(0.99), at(1))
}
