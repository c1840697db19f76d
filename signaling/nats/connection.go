package nats

import (
	"context"
	"math/rand/v2"
	"net"
	"time"

	"github.com/gogns/gns/p2p"
	natsgo "github.com/nats-io/nats.go"
)

// Times and bounds of connections.
const (
	dialTimeout  = 3 * time.Second
	helloTimeout = 15 * time.Second       // a server that has just started has all clients to greet; trying again would only add to that
	writeTimeout = 2 * time.Second        // after which a server that takes nothing is given up
	lastMoment   = 500 * time.Millisecond // for everything once the client closes
	pingEvery    = 20 * time.Second
	maxPings     = 2
	firstPause   = 100 * time.Millisecond
	longestPause = 4 * time.Second
	maxIncoming  = 4096 // messages that wait while the handler is busy
)

// pause is how long to wait after so many failures in a row. It varies, so that not all clients come back to a restarted server in
// step.
func pause(failures int) time.Duration {
	longest := min(firstPause<<min(max(failures-1, 0), 10), longestPause)
	return longest/2 + rand.N(longest/2)
}

// run keeps a connection until the client closes, when ctx is done. The connection comes back by itself; another is
// only made if there never was one, or if it gives up nevertheless.
func (c *Client) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		connected, err := c.session(ctx)
		failures++
		if connected {
			failures = 1
		}
		wait := pause(failures)
		c.log.Debug("no connection to NATS", "err", err, "wait", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// session is one connection, with all its interruptions.
func (c *Client) session(ctx context.Context) (connected bool, err error) {
	ended := make(chan struct{})
	conn, err := natsgo.Connect(c.service.options.URL, c.options(ctx, func() { close(ended) })...)
	if err != nil {
		return false, err
	}
	defer c.setConnected(false)
	defer conn.Close()
	if err := c.subscribe(conn); err != nil {
		return false, err
	}
	c.setConnected(true)
	for {
		c.flush(conn)
		select {
		case <-c.wake:
		case <-ended:
			return true, conn.LastError()
		case <-ctx.Done():
			c.flush(conn)
			return true, ctx.Err()
		}
	}
}

// subscribe subscribes to signals, and to answers that there is nobody. The server is to know before anything is
// sent, for both go the same way.
func (c *Client) subscribe(conn *natsgo.Conn) error {
	s := c.service.subjects
	for subject, receive := range map[string]natsgo.MsgHandler{
		s.signal(c.token, "*"): c.receive,
		s.absent(c.token, "*"): c.receiveAbsent,
	} {
		sub, err := conn.Subscribe(subject, receive)
		if err != nil {
			return err
		}
		if err := sub.SetPendingLimits(maxIncoming, maxIncoming*p2p.MaxSignal/16); err != nil {
			return err
		}
	}
	return conn.Flush()
}

// flush sends what is in the queue, if there is a connection.
func (c *Client) flush(conn *natsgo.Conn) {
	s := c.service.subjects
	for conn.IsConnected() {
		out, ok := c.next(time.Now())
		if !ok {
			return
		}
		err := conn.PublishRequest(s.signal(out.to, c.token), s.absent(c.token, out.to), out.signal)
		if err != nil {
			c.log.Debug("signal lost", "err", err)
		}
	}
}

// receive gets signals.
func (c *Client) receive(m *natsgo.Msg) {
	from, err := last(m.Subject)
	if err != nil || len(m.Data) > p2p.MaxSignal {
		c.count(func(s *Stats) { s.Malformed++ })
		return
	}
	if c.take(from) {
		c.call(func() { c.handler.Signal(from, m.Data) })
	}
}

// receiveAbsent gets the answers of the server.
func (c *Client) receiveAbsent(m *natsgo.Msg) {
	to, err := last(m.Subject)
	if err != nil || m.Header.Get("Status") != "503" {
		c.count(func(s *Stats) { s.Malformed++ })
		return
	}
	c.count(func(s *Stats) { s.Unreachable++ })
	c.call(func() { c.handler.Unreachable(to, ErrNobody) })
}

// options are those of a connection. ended is called once, when the connection has given up or was closed.
func (c *Client) options(ctx context.Context, ended func()) []natsgo.Option {
	options := []natsgo.Option{
		natsgo.Name(c.token),
		natsgo.SetCustomDialer(dialer{ctx}),
		natsgo.Timeout(helloTimeout),
		natsgo.FlusherTimeout(writeTimeout),
		natsgo.PingInterval(pingEvery),
		natsgo.MaxPingsOutstanding(maxPings),
		natsgo.UserInfo(c.token, ""),
	}
	if c.service.options.Credentials != nil {
		options = append(options, natsgo.Nkey(c.token, func(nonce []byte) ([]byte, error) {
			credentials, err := c.service.credentials(c.self)
			if err != nil {
				return nil, err
			}
			return credentials.proof(nonce)
		}))
	}
	options = append(options, c.service.options.NATS...)
	return append(options,
		natsgo.MaxReconnects(-1),
		natsgo.ReconnectBufSize(-1), // signals wait in the queue of the client
		natsgo.IgnoreAuthErrorAbort(),
		natsgo.CustomReconnectDelay(pause),
		natsgo.DisconnectErrHandler(func(_ *natsgo.Conn, err error) {
			c.setConnected(false)
			c.log.Debug("disconnected from NATS", "err", err)
		}),
		natsgo.ReconnectHandler(func(conn *natsgo.Conn) {
			if conn.FlushTimeout(helloTimeout) == nil { // the server knows the subscriptions
				c.setConnected(true)
			}
		}),
		natsgo.ClosedHandler(func(*natsgo.Conn) { ended() }),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) {
			c.log.Warn("NATS", "err", err)
		}),
	)
}

func (c *Client) setConnected(connected bool) {
	c.count(func(s *Stats) {
		s.Connected = connected
		if connected {
			s.Connects++
		}
	})
	if connected {
		c.log.Debug("connected to NATS")
		c.kick()
	}
}

// dialer gives up when the client closes, and makes connections that end soon after.
type dialer struct{ ctx context.Context }

// Dial implements nats.CustomDialer.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(d.ctx, func() { time.AfterFunc(lastMoment, func() { _ = conn.Close() }) })
	return &boundConn{conn, stop}, nil
}

// boundConn is a connection of a dialer.
type boundConn struct {
	net.Conn
	stop func() bool
}

func (c *boundConn) Close() error {
	c.stop()
	return c.Conn.Close()
}
