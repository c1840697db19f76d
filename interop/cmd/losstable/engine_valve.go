package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/gogns/gns/interop/lossproxy/clock"
	"github.com/gogns/gns/interop/valve"
)

// valvePoll is how often Valve's library is asked for news: it has no call that waits.
const valvePoll = time.Millisecond

// connectSpacing is the time between connection attempts, so that they reach the proxy in order.
const connectSpacing = 2 * time.Millisecond

type valveEngine struct {
	lib       *valve.Library
	group     valve.PollGroup
	conns     []valve.Connection
	connected int
	broken    error
}

func newValveEngine(settings []string) (engine, error) {
	lib, err := valve.Open("")
	if err != nil {
		return nil, err
	}
	lib.SetDebugOutput(valve.DebugMsg, func(level int, text string) {
		fmt.Fprintf(os.Stderr, "[%d] %s\n", level, text)
	})
	if err := lib.Init(""); err != nil {
		return nil, err
	}
	e := &valveEngine{lib: lib, group: lib.CreatePollGroup()}
	if err := lib.OnStatusChanged(e.statusChanged); err != nil {
		return nil, err
	}
	for _, text := range settings {
		s, err := lib.ParseSetting(text)
		if err != nil {
			return nil, err
		}
		if err := lib.SetConfig(valve.ScopeGlobal, 0, s); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// statusChanged runs inside RunCallbacks.
func (e *valveEngine) statusChanged(c valve.StatusChange) {
	switch c.Info.State {
	case valve.StateConnecting:
		if c.Info.Listen != 0 {
			e.fail(e.lib.AcceptConnection(c.Conn))
			e.fail(e.lib.SetConnectionPollGroup(c.Conn, e.group))
		}
	case valve.StateConnected:
		e.connected++
	case valve.StateClosedByPeer, valve.StateProblemDetectedLocally:
		e.fail(fmt.Errorf("connection ended with reason %d: %s", c.Info.EndReason, c.Info.EndDebug))
	}
}

// fail keeps the first error for poll to return.
func (e *valveEngine) fail(err error) {
	if e.broken == nil {
		e.broken = err
	}
}

// listen takes a port that is free a moment before: the library refuses port 0.
func (e *valveEngine) listen(local netip.Addr) (netip.AddrPort, error) {
	s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr := netip.AddrPortFrom(local, s.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	if err := s.Close(); err != nil {
		return netip.AddrPort{}, err
	}
	_, err = e.lib.CreateListenSocketIP(addr)
	return addr, err
}

func (e *valveEngine) serve(ctx context.Context, deliver func(data []byte)) error {
	next := clock.Now()
	for ctx.Err() == nil {
		if err := e.poll(); err != nil {
			return err
		}
		for {
			messages, err := e.lib.ReceiveMessagesOnPollGroup(e.group)
			if err != nil {
				return err
			}
			for _, m := range messages {
				deliver(m.Data)
			}
			if len(messages) < valve.MaxReceive {
				break
			}
		}
		next = max(next.Add(valvePoll), clock.Now())
		clock.SleepUntil(next)
	}
	return nil
}

func (e *valveEngine) connect(ctx context.Context, remote netip.AddrPort, n int) error {
	for range n {
		c, err := e.lib.ConnectByIPAddress(remote)
		if err != nil {
			return err
		}
		e.conns = append(e.conns, c)
		time.Sleep(connectSpacing)
	}
	for e.connected < n {
		if err := e.poll(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d connections established: %w", e.connected, n, ctx.Err())
		}
		time.Sleep(connectSpacing)
	}
	return nil
}

func (e *valveEngine) send(conn int, data []byte, noNagle bool) error {
	flags := valve.SendReliable
	if noNagle {
		flags |= valve.SendNoNagle
	}
	_, err := e.lib.SendMessageToConnection(e.conns[conn], data, flags)
	if errors.Is(err, valve.ResultLimitExceeded) {
		return errFull
	}
	return err
}

func (e *valveEngine) poll() error {
	e.lib.RunCallbacks()
	return e.broken
}

func (e *valveEngine) unacked(conn int) (int, error) {
	s, err := e.lib.ConnectionRealTimeStatus(e.conns[conn], 0)
	return s.PendingReliable + s.SentUnacked, err
}

func (e *valveEngine) close() { e.lib.Kill() }
