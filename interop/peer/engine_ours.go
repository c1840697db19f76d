package peer

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/transport/ice"
)

// Ours is this module's implementation.
const Ours Kind = "ours"

func init() { engines[Ours] = newOurEngine }

// ourPoll bounds how long news can stay unnoticed if a wake-up was missed.
const ourPoll = 50 * time.Millisecond

// ourPause is how soon after one wake-up the next may come.
const ourPause = 100 * time.Microsecond

type ourEngine struct {
	s       *gns.Sockets
	changed func(conn uint32, old State, info Info)
	wake    chan struct{}
	stop    context.CancelFunc
	signals *ourSignals
}

func newOurEngine(o Options) (Engine, error) {
	opts := gns.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if o.Identity != "" {
		id, err := gns.ParseIdentity(o.Identity)
		if err != nil {
			return nil, err
		}
		opts.Identity = id
	}
	var err error
	if opts.Config, err = ourSettings(o.Config); err != nil {
		return nil, err
	}
	if o.KeyLog != "" {
		f, err := os.OpenFile(o.KeyLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		opts.KeyLog = f
	}
	opts.AppID, opts.Certificate = o.AppID, o.Certificate
	if o.Trust != nil {
		if err := o.Trust.apply(&opts); err != nil {
			return nil, err
		}
	}
	signals := new(ourSignals)
	opts.Signaling, opts.ICE = signals, ice.New(ice.Options{})
	s, err := gns.New(&opts)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &ourEngine{s: s, wake: make(chan struct{}), stop: stop, signals: signals}
	s.OnConnectionStatusChanged(func(c gns.ConnectionStatusChanged) {
		e.changed(uint32(c.Conn), State(c.Old), ourInfo(c.Info))
	})
	go func() {
		for s.Wait(ctx) == nil {
			select {
			case e.wake <- struct{}{}:
			case <-ctx.Done():
			}
			time.Sleep(ourPause) // what a paused test does not read would keep Wait from waiting
		}
	}()
	return e, nil
}

func ourSettings(texts []string) ([]config.Value, error) {
	values := make([]config.Value, 0, len(texts))
	for _, text := range texts {
		v, err := config.Parse(text)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// ourResult turns the errors of package gns into the package's own.
func ourResult(err error) error {
	var r gns.Result
	if errors.As(err, &r) {
		return Result(r)
	}
	return err
}

func ourInfo(i gns.ConnectionInfo) Info {
	return Info{
		State:       State(i.State),
		Listen:      uint32(i.ListenSocket),
		Addr:        i.Addr,
		Identity:    i.Identity.String(),
		EndReason:   int(i.EndReason),
		EndDebug:    i.EndDebug,
		Description: i.Description,
		Flags:       int(i.Flags),
		Auth:        ourAuth(i.Auth),
	}
}

func (e *ourEngine) Identity() string {
	id, _ := e.s.Identity()
	return id.String()
}

func (e *ourEngine) Listen(local netip.AddrPort, options []string) (uint32, error) {
	values, err := ourSettings(options)
	if err != nil {
		return 0, err
	}
	listen, err := e.s.CreateListenSocketIP(local, values...)
	return uint32(listen), err
}

func (e *ourEngine) ListenAddr(listen uint32) (netip.AddrPort, error) {
	return e.s.ListenSocketAddress(gns.ListenSocket(listen))
}

func (e *ourEngine) CloseListen(listen uint32) error {
	return ourResult(e.s.CloseListenSocket(gns.ListenSocket(listen)))
}

func (e *ourEngine) Connect(remote netip.AddrPort, options []string) (uint32, error) {
	values, err := ourSettings(options)
	if err != nil {
		return 0, err
	}
	conn, err := e.s.ConnectByIPAddress(remote, values...)
	return uint32(conn), err
}

func (e *ourEngine) Accept(conn uint32) error {
	return ourResult(e.s.AcceptConnection(gns.Connection(conn)))
}

func (e *ourEngine) Close(conn uint32, reason int, debug string, linger bool) error {
	return ourResult(e.s.CloseConnection(gns.Connection(conn), gns.EndReason(reason), debug, linger))
}

func (e *ourEngine) Send(conn uint32, lane int, data []byte, flags int) (int64, error) {
	m := &gns.OutMessage{Conn: gns.Connection(conn), Lane: lane, Flags: gns.SendFlags(flags), Data: data}
	e.s.SendMessages([]*gns.OutMessage{m})
	return m.Number, ourResult(m.Err)
}

func (e *ourEngine) Flush(conn uint32) error {
	return ourResult(e.s.FlushMessagesOnConnection(gns.Connection(conn)))
}

func (e *ourEngine) ConfigureLanes(conn uint32, priorities []int, weights []uint16) error {
	return ourResult(e.s.ConfigureConnectionLanes(gns.Connection(conn), priorities, weights))
}

func (e *ourEngine) Receive(conn uint32) ([]Received, error) {
	var messages [64]*gns.Message
	n, err := e.s.ReceiveMessagesOnConnection(gns.Connection(conn), messages[:])
	if err != nil {
		return nil, ourResult(err)
	}
	out := make([]Received, 0, n)
	for _, m := range messages[:n] {
		out = append(out, Received{Lane: m.Lane, Number: m.Number, Flags: int(m.Flags), Data: m.Data})
	}
	return out, nil
}

func (e *ourEngine) RunCallbacks(changed func(conn uint32, old State, info Info)) {
	e.changed = changed
	e.s.RunCallbacks()
}

func ourScope(conn uint32) config.Scope {
	if conn == 0 {
		return config.Global
	}
	return config.Connection
}

func (e *ourEngine) SetConfig(conn uint32, setting string) error {
	v, err := config.Parse(setting)
	if err != nil {
		return err
	}
	return e.s.SetConfig(ourScope(conn), conn, v)
}

func (e *ourEngine) SetListenConfig(listen uint32, setting string) error {
	v, err := config.Parse(setting)
	if err != nil {
		return err
	}
	return e.s.SetConfig(config.ListenSocket, listen, v)
}

func (e *ourEngine) Config(conn uint32, name string) (string, error) {
	info, ok := config.Lookup(name)
	if !ok {
		return "", gns.ErrInvalidParam
	}
	v, err := e.s.Config(ourScope(conn), conn, info.ID)
	return v.Text(), err
}

func (e *ourEngine) Info(conn uint32) (Info, error) {
	info, err := e.s.ConnectionInfo(gns.Connection(conn))
	return ourInfo(info), ourResult(err)
}

func (e *ourEngine) Status(conn uint32, lanes int) (Status, error) {
	s, err := e.s.ConnectionRealTimeStatus(gns.Connection(conn))
	if err != nil {
		return Status{}, ourResult(err)
	}
	ping := -1
	if s.Ping >= 0 {
		ping = int(s.Ping / time.Millisecond)
	}
	out := Status{
		State:             State(s.State),
		Ping:              ping,
		QualityLocal:      float32(s.QualityLocal),
		QualityRemote:     float32(s.QualityRemote),
		OutPackets:        float32(s.OutPacketsPerSec),
		OutBytes:          float32(s.OutBytesPerSec),
		InPackets:         float32(s.InPacketsPerSec),
		InBytes:           float32(s.InBytesPerSec),
		SendRate:          s.SendRate,
		PendingUnreliable: s.PendingUnreliable,
		PendingReliable:   s.PendingReliable,
		SentUnacked:       s.SentUnackedReliable,
		QueueTime:         s.QueueTime.Microseconds(),
	}
	for _, l := range s.Lanes {
		out.Lanes = append(out.Lanes, LaneStatus{
			PendingUnreliable: l.PendingUnreliable,
			PendingReliable:   l.PendingReliable,
			SentUnacked:       l.SentUnackedReliable,
			QueueTime:         l.QueueTime.Microseconds(),
		})
	}
	return out, nil
}

func (e *ourEngine) DetailedStatus(conn uint32) (string, error) {
	text, err := e.s.DetailedConnectionStatus(gns.Connection(conn))
	return text, ourResult(err)
}

func (e *ourEngine) Totals(conn uint32) (Totals, error) {
	text, err := e.DetailedStatus(conn)
	if err != nil {
		return Totals{}, err
	}
	return parseOurTotals(text)
}

func (e *ourEngine) CertificateRequest() ([]byte, error) { return e.s.CertificateRequest() }

func (e *ourEngine) SetCertificate(signed []byte) error { return e.s.SetCertificate(signed) }

func (e *ourEngine) InitAuthentication() int { return int(e.s.InitAuthentication()) }

func (e *ourEngine) AuthStatus() AuthStatus {
	availability, text := e.s.AuthenticationStatus()
	return AuthStatus{Availability: int(availability), Text: text}
}

func (e *ourEngine) Wake() (<-chan struct{}, time.Duration) { return e.wake, ourPoll }

func (e *ourEngine) Shutdown() {
	e.stop()
	_ = e.s.Close()
}
