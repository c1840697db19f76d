package gns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/gogns/gns/config"
)

// dialStagger is how long an address has before the next one of the same host is tried as well.
const dialStagger = 300 * time.Millisecond

// Dial connects to a listener at host:port and returns when messages can flow. If the host has several
// addresses, later ones are tried when earlier ones do not answer soon; the first to answer is taken.
//
// It fails when ctx is done, or with a *CloseError when the peer refused or did not answer within
// TimeoutInitial.
func Dial(ctx context.Context, address string, opts ...Option) (*Conn, error) {
	s, o, values, err := collect(opts)
	if err != nil {
		return nil, err
	}
	var c *connection
	if o.sockets == nil && s.source != nil {
		err = s.Authenticate(ctx)
	}
	var addrs []netip.AddrPort
	if err == nil {
		addrs, err = resolve(ctx, address)
	}
	if err == nil {
		c, err = s.dialFirst(ctx, addrs, o.expect, values)
	}
	if err != nil {
		if o.sockets == nil {
			_ = s.Close()
		}
		return nil, fmt.Errorf("gns: dial %s: %w", address, err)
	}
	return &Conn{c: c}, nil
}

// resolve turns host:port into addresses.
func resolve(ctx context.Context, address string) ([]netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(address); err == nil {
		return []netip.AddrPort{ap}, nil
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, ResultInvalidParam.wrap(err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		n, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
		if err != nil {
			return nil, ResultInvalidParam.wrap(err)
		}
		port = uint64(n)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	addrs := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	}
	return addrs, nil
}

// dialFirst connects to the first address that answers.
func (s *Sockets) dialFirst(ctx context.Context, addrs []netip.AddrPort, expect Identity, values []config.Value) (*connection, error) {
	if len(addrs) == 1 {
		return s.dialOne(ctx, addrs[0], expect, values)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		c   *connection
		err error
	}
	results := make(chan outcome)
	for i, addr := range addrs {
		go func() {
			failed := func(err error) { results <- outcome{nil, fmt.Errorf("%v: %w", addr, err)} }
			select {
			case <-time.After(time.Duration(i) * dialStagger):
			case <-ctx.Done():
				failed(ctx.Err())
				return
			}
			c, err := s.dialOne(ctx, addr, expect, values)
			if err != nil {
				failed(err)
				return
			}
			results <- outcome{c, nil}
		}()
	}
	var winner *connection
	var errs []error
	for range addrs {
		switch r := <-results; {
		case r.err != nil:
			errs = append(errs, r.err)
		case winner == nil:
			winner = r.c
			cancel()
		default:
			_ = r.c.close(EndAppGeneric, "another address answered first", false)
		}
	}
	if winner == nil {
		return nil, errors.Join(errs...)
	}
	return winner, nil
}

// dialOne connects to one address and waits for the outcome.
func (s *Sockets) dialOne(ctx context.Context, addr netip.AddrPort, expect Identity, values []config.Value) (*connection, error) {
	c, err := s.connect(addr, expect, values)
	if err != nil {
		return nil, err
	}
	if err := c.waitConnected(ctx); err != nil {
		_ = c.close(EndAppGeneric, "gave up connecting", false)
		return nil, err
	}
	return c, nil
}
