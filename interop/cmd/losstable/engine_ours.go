package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

type ourEngine struct {
	s        *gns.Sockets
	listener *gns.Listener
	conns    []*gns.Conn
}

func newOurEngine(settings []string) (engine, error) {
	o := gns.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	for _, text := range settings {
		v, err := config.Parse(text)
		if err != nil {
			return nil, err
		}
		o.Config = append(o.Config, v)
	}
	s, err := gns.New(&o)
	if err != nil {
		return nil, err
	}
	return &ourEngine{s: s}, nil
}

func (e *ourEngine) listen(local netip.Addr) (netip.AddrPort, error) {
	var err error
	e.listener, err = gns.Listen(netip.AddrPortFrom(local, 0).String(), gns.WithSockets(e.s))
	if err != nil {
		return netip.AddrPort{}, err
	}
	return e.listener.Addr(), nil
}

func (e *ourEngine) serve(ctx context.Context, deliver func(data []byte)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var readers sync.WaitGroup
	defer readers.Wait()
	for {
		c, err := e.listener.Accept(ctx)
		if err != nil {
			return unlessDone(ctx, err)
		}
		readers.Go(func() {
			for {
				m, err := c.Receive(ctx)
				if err != nil {
					cancel(err)
					return
				}
				deliver(m.Data)
				m.Release()
			}
		})
	}
}

// unlessDone returns err, or if ctx is done, why: nil if it was not for an error.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func (e *ourEngine) connect(ctx context.Context, remote netip.AddrPort, n int) error {
	e.conns = make([]*gns.Conn, n)
	errs := make([]error, n)
	var dials sync.WaitGroup
	for i := range n {
		dials.Go(func() { e.conns[i], errs[i] = gns.Dial(ctx, remote.String(), gns.WithSockets(e.s)) })
		time.Sleep(connectSpacing)
	}
	dials.Wait()
	return errors.Join(errs...)
}

func (e *ourEngine) send(conn int, data []byte, noNagle bool) error {
	flags := gns.SendReliable
	if noNagle {
		flags |= gns.SendNoNagle
	}
	err := e.conns[conn].Send(data, flags)
	if errors.Is(err, gns.ErrLimitExceeded) {
		return errFull
	}
	return err
}

// poll has nothing to do, and leaves it to send to find a broken connection.
func (e *ourEngine) poll() error { return nil }

func (e *ourEngine) unacked(conn int) (int, error) {
	if err := e.conns[conn].Err(); err != nil {
		return 0, fmt.Errorf("connection ended: %w", err)
	}
	s := e.conns[conn].Status()
	return s.PendingReliable + s.SentUnackedReliable, nil
}

func (e *ourEngine) close() { _ = e.s.Close() }
