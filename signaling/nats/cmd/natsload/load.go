package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"

	"fmt"
	"io"
	"os"
	"slices"

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
