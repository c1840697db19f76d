package peer

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/gogns/gns/interop/valve"
)

// valvePoll is how often Valve's library is asked for news: it has no call that waits.
const valvePoll = time.Millisecond

type valveEngine struct {
	lib     *valve.Library
	changed func(conn uint32, old State, info Info)
}

func newValveEngine(o Options) (Engine, error) {
	if o.Trust != nil || o.AppID != 0 {
		return nil, errors.New("peer: Valve's library cannot be told whom to trust, nor its app ID")
	}
	lib, err := valve.Open(o.Library)
	if err != nil {
		return nil, err
	}
	e := &valveEngine{lib: lib}
	level := o.Debug
	if level == 0 {
		level = valve.DebugMsg
	}
	lib.SetDebugOutput(level, func(level int, text string) {
		fmt.Fprintf(os.Stderr, "[%d] %s\n", level, text)
	})
	if err := lib.Init(o.Identity); err != nil {
		return nil, err
	}
	err = lib.OnStatusChanged(func(c valve.StatusChange) {
		e.changed(uint32(c.Conn), State(c.Old), valveInfo(c.Info))
	})
	if err != nil {
		return nil, err
	}
	for _, setting := range o.Config {
		if err := e.SetConfig(0, setting); err != nil {
			return nil, err
		}
	}
	if len(o.Certificate) > 0 {
		if err := e.SetCertificate(o.Certificate); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// valveResult turns the library's result codes into the package's own.
func valveResult(err error) error {
	var r valve.Result
	if errors.As(err, &r) {
		return Result(r)
	}
	return err
}

func valveInfo(i valve.ConnectionInfo) Info {
	return Info{
		State:       State(i.State),
		Listen:      uint32(i.Listen),
		Addr:        i.Addr,
		Identity:    i.Identity,
		EndReason:   i.EndReason,
		EndDebug:    i.EndDebug,
		Description: i.Description,
		Flags:       i.Flags,
	}
}

func (e *valveEngine) settings(texts []string) ([]valve.Setting, error) {
	settings := make([]valve.Setting, 0, len(texts))
	for _, text := range texts {
		setting, err := e.lib.ParseSetting(text)
		if err != nil {
			return nil, err
		}
		settings = append(settings, setting)
	}
	return settings, nil
}

func (e *valveEngine) Identity() string { return e.lib.Identity() }

func (e *valveEngine) Listen(local netip.AddrPort, options []string) (uint32, error) {
	settings, err := e.settings(options)
	if err != nil {
		return 0, err
	}
	listen, err := e.lib.CreateListenSocketIP(local, settings...)
	return uint32(listen), err
}

func (e *valveEngine) ListenAddr(listen uint32) (netip.AddrPort, error) {
	return e.lib.ListenSocketAddress(valve.ListenSocket(listen))
}

func (e *valveEngine) CloseListen(listen uint32) error {
	return e.lib.CloseListenSocket(valve.ListenSocket(listen))
}

func (e *valveEngine) Connect(remote netip.AddrPort, options []string) (uint32, error) {
	settings, err := e.settings(options)
	if err != nil {
		return 0, err
	}
	conn, err := e.lib.ConnectByIPAddress(remote, settings...)
	return uint32(conn), err
}

func (e *valveEngine) Accept(conn uint32) error {
	return valveResult(e.lib.AcceptConnection(valve.Connection(conn)))
}

func (e *valveEngine) Close(conn uint32, reason int, debug string, linger bool) error {
	return valveResult(e.lib.CloseConnection(valve.Connection(conn), reason, debug, linger))
}

// Send uses the plain call for lane 0 and the one for batches, which alone knows lanes, for others.
func (e *valveEngine) Send(conn uint32, lane int, data []byte, flags int) (int64, error) {
	if lane == 0 {
		number, err := e.lib.SendMessageToConnection(valve.Connection(conn), data, flags)
		return number, valveResult(err)
	}
	out := &valve.OutMessage{Conn: valve.Connection(conn), Lane: lane, Flags: flags, Data: data}
	e.lib.SendMessages([]*valve.OutMessage{out})
	return out.Number, valveResult(out.Err)
}

func (e *valveEngine) Flush(conn uint32) error {
	return valveResult(e.lib.FlushMessagesOnConnection(valve.Connection(conn)))
}

func (e *valveEngine) ConfigureLanes(conn uint32, priorities []int, weights []uint16) error {
	return valveResult(e.lib.ConfigureConnectionLanes(valve.Connection(conn), priorities, weights))
}

func (e *valveEngine) Receive(conn uint32) ([]Received, error) {
	messages, err := e.lib.ReceiveMessagesOnConnection(valve.Connection(conn))
	if err != nil {
		return nil, valveResult(err)
	}
	out := make([]Received, 0, len(messages))
	for _, m := range messages {
		out = append(out, Received{Lane: m.Lane, Number: m.Number, Flags: m.Flags, Data: m.Data})
	}
	return out, nil
}

func (e *valveEngine) RunCallbacks(changed func(conn uint32, old State, info Info)) {
	e.changed = changed
	e.lib.RunCallbacks()
}

func valveScope(conn uint32) valve.Scope {
	if conn == 0 {
		return valve.ScopeGlobal
	}
	return valve.ScopeConnection
}

func (e *valveEngine) SetConfig(conn uint32, setting string) error {
	s, err := e.lib.ParseSetting(setting)
	if err != nil {
		return err
	}
	return e.lib.SetConfig(valveScope(conn), conn, s)
}

func (e *valveEngine) SetListenConfig(listen uint32, setting string) error {
	s, err := e.lib.ParseSetting(setting)
	if err != nil {
		return err
	}
	return e.lib.SetConfig(valve.ScopeListenSocket, listen, s)
}

func (e *valveEngine) Config(conn uint32, name string) (string, error) {
	value, _, err := e.lib.Config(valveScope(conn), conn, name)
	return value, err
}

func (e *valveEngine) Info(conn uint32) (Info, error) {
	info, err := e.lib.ConnectionInfo(valve.Connection(conn))
	return valveInfo(info), valveResult(err)
}

func (e *valveEngine) Status(conn uint32, lanes int) (Status, error) {
	s, err := e.lib.ConnectionRealTimeStatus(valve.Connection(conn), lanes)
	if err != nil {
		return Status{}, valveResult(err)
	}
	out := Status{
		State:             State(s.State),
		Ping:              s.Ping,
		QualityLocal:      s.QualityLocal,
		QualityRemote:     s.QualityRemote,
		OutPackets:        s.OutPackets,
		OutBytes:          s.OutBytes,
		InPackets:         s.InPackets,
		InBytes:           s.InBytes,
		SendRate:          s.SendRate,
		PendingUnreliable: s.PendingUnreliable,
		PendingReliable:   s.PendingReliable,
		SentUnacked:       s.SentUnacked,
		QueueTime:         s.QueueTime,
	}
	for _, lane := range s.Lanes {
		out.Lanes = append(out.Lanes, LaneStatus(lane))
	}
	return out, nil
}

func (e *valveEngine) DetailedStatus(conn uint32) (string, error) {
	text, err := e.lib.DetailedConnectionStatus(valve.Connection(conn))
	return text, valveResult(err)
}

func (e *valveEngine) Totals(conn uint32) (Totals, error) {
	text, err := e.DetailedStatus(conn)
	if err != nil {
		return Totals{}, err
	}
	return parseValveTotals(text)
}

func (e *valveEngine) CertificateRequest() ([]byte, error) { return e.lib.CertificateRequest() }

func (e *valveEngine) SetCertificate(signed []byte) error { return e.lib.SetCertificate(signed) }

func (e *valveEngine) InitAuthentication() int { return e.lib.InitAuthentication() }

func (e *valveEngine) AuthStatus() AuthStatus {
	availability, text := e.lib.AuthenticationStatus()
	return AuthStatus{Availability: availability, Text: text}
}

func (e *valveEngine) Wake() (<-chan struct{}, time.Duration) { return nil, valvePoll }

func (e *valveEngine) Shutdown() { e.lib.Kill() }
