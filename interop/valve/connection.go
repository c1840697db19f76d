package valve

import (
	"fmt"
	"net/netip"
	"unsafe"
)

// ConnectionInfo is what the library tells of a connection (SteamNetConnectionInfo_t).
type ConnectionInfo struct {
	Identity    string // in the library's text form; "invalid" while unknown
	UserData    int64
	Listen      ListenSocket   // 0 for outbound connections
	Addr        netip.AddrPort // IPv4 addresses unmapped
	State       State
	EndReason   int
	EndDebug    string
	Description string
	Flags       int
}

// StatusChange is one event of the connection status callback.
type StatusChange struct {
	Conn Connection
	Old  State
	Info ConnectionInfo // as it was when the event happened
}

func (l *Library) makeInfo(c *connectionInfo) ConnectionInfo {
	return ConnectionInfo{
		Identity:    l.printIdentity(&c.identity),
		UserData:    int64(uint64(c.userData[0]) | uint64(c.userData[1])<<32),
		Listen:      ListenSocket(c.listen),
		Addr:        c.addr.addrPort(),
		State:       State(c.state),
		EndReason:   int(c.endReason),
		EndDebug:    text(c.endDebug[:]),
		Description: text(c.description[:]),
		Flags:       int(c.flags),
	}
}

// OnStatusChanged sets the function that RunCallbacks calls for each status change of every
// connection. It has to be set before the first connection exists.
func (l *Library) OnStatusChanged(f func(StatusChange)) error {
	l.mu.Lock()
	first := l.statusChanged == nil
	l.statusChanged = f
	l.mu.Unlock()
	if !first {
		return nil
	}
	s := Setting{name: configStatusChangedKey, value: configValue{id: configStatusChanged, kind: kindPtr}}
	s.setPointer(l.NewStatusCallback(func(c StatusChange) {
		l.mu.Lock()
		f := l.statusChanged
		l.mu.Unlock()
		f(c)
	}))
	return l.SetConfig(ScopeGlobal, 0, s)
}

// RunCallbacks delivers the status changes that happened since the last call.
func (l *Library) RunCallbacks() { l.sym.RunCallbacks(l.sockets) }

// Identity returns the library's own identity in text form.
func (l *Library) Identity() string {
	var id identity
	l.sym.Identity(l.sockets, &id)
	return l.printIdentity(&id)
}

// CreateListenSocketIP listens on a UDP address; the port must not be 0. The library says only in
// its debug output why it refused.
func (l *Library) CreateListenSocketIP(local netip.AddrPort, options ...Setting) (ListenSocket, error) {
	addr := makeIPAddr(local)
	var listen uint32
	withOptions(options, func(n int32, o *configValue) { listen = l.sym.ListenIP(l.sockets, &addr, n, o) })
	if listen == 0 {
		return 0, fmt.Errorf("valve: CreateListenSocketIP(%v) failed", local)
	}
	return ListenSocket(listen), nil
}

// ListenSocketAddress returns the address that a listen socket is bound to.
func (l *Library) ListenSocketAddress(listen ListenSocket) (netip.AddrPort, error) {
	var addr ipAddr
	if !l.sym.ListenAddress(l.sockets, uint32(listen), &addr) {
		return netip.AddrPort{}, fmt.Errorf("valve: GetListenSocketAddress(%d) failed", listen)
	}
	return addr.addrPort(), nil
}

// CloseListenSocket destroys the socket and every connection accepted on it; peers are not told.
func (l *Library) CloseListenSocket(listen ListenSocket) error {
	if !l.sym.CloseListen(l.sockets, uint32(listen)) {
		return fmt.Errorf("valve: CloseListenSocket(%d) failed", listen)
	}
	return nil
}

// ConnectByIPAddress begins to connect. The outcome arrives as status changes.
func (l *Library) ConnectByIPAddress(remote netip.AddrPort, options ...Setting) (Connection, error) {
	addr := makeIPAddr(remote)
	var conn uint32
	withOptions(options, func(n int32, o *configValue) { conn = l.sym.ConnectIP(l.sockets, &addr, n, o) })
	if conn == 0 {
		return 0, fmt.Errorf("valve: ConnectByIPAddress(%v) failed", remote)
	}
	return Connection(conn), nil
}

// AcceptConnection accepts an incoming connection; its errors are Results.
func (l *Library) AcceptConnection(c Connection) error {
	return l.sym.Accept(l.sockets, uint32(c)).err()
}

// CloseConnection closes a connection and frees its handle. Reason 0 becomes 1000.
func (l *Library) CloseConnection(c Connection, reason int, debug string, linger bool) error {
	if !l.sym.Close(l.sockets, uint32(c), int32(reason), nulTerminated(debug), linger) {
		return ResultInvalidParam
	}
	return nil
}

// ConnectionInfo returns the present state of a connection.
func (l *Library) ConnectionInfo(c Connection) (ConnectionInfo, error) {
	var info connectionInfo
	if !l.sym.Info(l.sockets, uint32(c), &info) {
		return ConnectionInfo{}, ResultInvalidParam
	}
	return l.makeInfo(&info), nil
}

// SetConnectionUserData attaches a number to a connection.
func (l *Library) SetConnectionUserData(c Connection, data int64) error {
	if !l.sym.SetUserData(l.sockets, uint32(c), data) {
		return ResultInvalidParam
	}
	return nil
}

// ConnectionUserData returns the number attached to a connection, −1 if there is none.
func (l *Library) ConnectionUserData(c Connection) int64 { return l.sym.UserData(l.sockets, uint32(c)) }

// SetConnectionName sets the name that the library shows in descriptions and log lines.
func (l *Library) SetConnectionName(c Connection, name string) {
	l.sym.SetName(l.sockets, uint32(c), nulTerminated(name))
}

// LaneStatus is the send queue of one lane (SteamNetConnectionRealTimeLaneStatus_t). Sizes are in
// bytes, QueueTime in microseconds.
type LaneStatus struct {
	PendingUnreliable int
	PendingReliable   int
	SentUnacked       int
	QueueTime         int64
}

// RealTimeStatus is SteamNetConnectionRealTimeStatus_t. Ping is in milliseconds, times are in
// microseconds, rates per second; −1 stands for unknown.
type RealTimeStatus struct {
	State             State
	Ping              int
	QualityLocal      float32
	QualityRemote     float32
	OutPackets        float32
	OutBytes          float32
	InPackets         float32
	InBytes           float32
	SendRate          int
	PendingUnreliable int
	PendingReliable   int
	SentUnacked       int
	QueueTime         int64
	MaxJitter         int
	Lanes             []LaneStatus
}

// ConnectionRealTimeStatus returns the present figures of a connection and of its first lanes.
func (l *Library) ConnectionRealTimeStatus(c Connection, lanes int) (RealTimeStatus, error) {
	var status realTimeStatus
	laneStatuses := make([]laneStatus, lanes)
	if err := l.sym.Status(l.sockets, uint32(c), &status, int32(lanes), unsafe.SliceData(laneStatuses)).err(); err != nil {
		return RealTimeStatus{}, err
	}
	out := RealTimeStatus{
		State:             State(status.state),
		Ping:              int(status.ping),
		QualityLocal:      status.qualityLocal,
		QualityRemote:     status.qualityRemote,
		OutPackets:        status.outPackets,
		OutBytes:          status.outBytes,
		InPackets:         status.inPackets,
		InBytes:           status.inBytes,
		SendRate:          int(status.sendRate),
		PendingUnreliable: int(status.pendingUnreliable),
		PendingReliable:   int(status.pendingReliable),
		SentUnacked:       int(status.sentUnacked),
		QueueTime:         status.queueTime,
		MaxJitter:         int(status.maxJitter),
	}
	for _, s := range laneStatuses {
		out.Lanes = append(out.Lanes, LaneStatus{
			PendingUnreliable: int(s.pendingUnreliable),
			PendingReliable:   int(s.pendingReliable),
			SentUnacked:       int(s.sentUnacked),
			QueueTime:         s.queueTime,
		})
	}
	return out, nil
}

// DetailedConnectionStatus returns the library's text about a connection.
func (l *Library) DetailedConnectionStatus(c Connection) (string, error) {
	buffer := make([]byte, 16<<10)
	for {
		n := l.sym.DetailedStatus(l.sockets, uint32(c), &buffer[0], int32(len(buffer)))
		if n < 0 {
			return "", ResultInvalidParam
		}
		if n == 0 {
			return text(buffer), nil
		}
		buffer = make([]byte, n)
	}
}

// CreatePollGroup makes a poll group.
func (l *Library) CreatePollGroup() PollGroup { return PollGroup(l.sym.CreatePollGroup(l.sockets)) }

// DestroyPollGroup destroys a poll group; its connections stay.
func (l *Library) DestroyPollGroup(g PollGroup) error {
	if !l.sym.DestroyPollGroup(l.sockets, uint32(g)) {
		return ResultInvalidParam
	}
	return nil
}

// SetConnectionPollGroup puts a connection in a poll group; 0 takes it out.
func (l *Library) SetConnectionPollGroup(c Connection, g PollGroup) error {
	if !l.sym.SetPollGroup(l.sockets, uint32(c), uint32(g)) {
		return ResultInvalidParam
	}
	return nil
}

// ConfigureConnectionLanes sets up the lanes that this side sends on. weights may be nil (all 1).
func (l *Library) ConfigureConnectionLanes(c Connection, priorities []int, weights []uint16) error {
	p := make([]int32, len(priorities))
	for i, v := range priorities {
		p[i] = int32(v)
	}
	if weights != nil && len(weights) != len(priorities) {
		return fmt.Errorf("valve: %d lane priorities but %d weights", len(priorities), len(weights))
	}
	return l.sym.ConfigureLanes(l.sockets, uint32(c), int32(len(p)), unsafe.SliceData(p), unsafe.SliceData(weights)).err()
}

// CertificateRequest returns the blob that a certificate authority signs.
func (l *Library) CertificateRequest() ([]byte, error) {
	var size int32
	var message errMsg
	if !l.sym.CertificateRequest(l.sockets, &size, nil, &message) {
		return nil, fmt.Errorf("valve: GetCertificateRequest: %s", text(message[:]))
	}
	blob := make([]byte, size)
	if !l.sym.CertificateRequest(l.sockets, &size, unsafe.SliceData(blob), &message) {
		return nil, fmt.Errorf("valve: GetCertificateRequest: %s", text(message[:]))
	}
	return blob[:size], nil
}

// SetCertificate installs a signed certificate.
func (l *Library) SetCertificate(blob []byte) error {
	var message errMsg
	if !l.sym.SetCertificate(l.sockets, unsafe.SliceData(blob), int32(len(blob)), &message) {
		return fmt.Errorf("valve: SetCertificate: %s", text(message[:]))
	}
	return nil
}

// InitAuthentication asks for readiness to authenticate, and returns the availability as a number.
func (l *Library) InitAuthentication() int { return int(l.sym.InitAuth(l.sockets)) }

// AuthenticationStatus returns the availability as a number, and the library's text about it.
func (l *Library) AuthenticationStatus() (availability int, message string) {
	var status authStatus
	availability = int(l.sym.AuthStatus(l.sockets, &status))
	return availability, text(status.message[:])
}
