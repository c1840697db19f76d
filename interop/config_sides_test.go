package interop

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/interop/valve"
)

// place is where a configuration value can be set: a scope, and at the narrower ones a particular object.
type place string

const (
	atGlobal         place = "global"
	atInterface      place = "interface"
	atListen         place = "listen socket"
	atPending        place = "incoming connection, not accepted"
	atAccepted       place = "incoming connection, connected"
	atConnecting     place = "outgoing connection, not accepted"
	atConnected      place = "outgoing connection, connected"
	atClosed         place = "connection just closed"
	atClosedListen   place = "listen socket just closed"
	atNoConnection   place = "no connection"
	atNoListenSocket place = "no listen socket"
	atNoScope        place = "no scope"

	newListen     place = "new listen socket"
	newConnection place = "new outgoing connection"
)

// places begins with those where values can be set.
var places = []place{
	atGlobal, atInterface, atListen, atPending, atAccepted, atConnecting, atConnected,
	atClosed, atClosedListen, atNoConnection, atNoListenSocket, atNoScope,
}

const usablePlaces = 7

// scene has the handles of the objects at every place.
type scene map[place]uint32

func (p place) scope() config.Scope {
	switch p {
	case atGlobal:
		return config.Global
	case atInterface:
		return config.SocketsInterface
	case atListen, atClosedListen, atNoListenSocket:
		return config.ListenSocket
	case atNoScope:
		return 9
	}
	return config.Connection
}

// configSide is an implementation as a keeper of configuration values.
type configSide interface {
	sockets

	// begin makes a new scene.
	begin(t *testing.T) scene
	set(scope config.Scope, object uint32, v config.Value) (ok bool)
	unset(scope config.Scope, object uint32, id config.ID) (ok bool)
	// get says what is there in words.
	get(scope config.Scope, object uint32, id config.ID) string
	// functions returns two values for a callback, which get calls A and B.
	functions(id config.ID) [2]config.Value
}

// sockets is what a scene is built with.
type sockets interface {
	listen(addr netip.AddrPort, options ...config.Value) (uint32, error)
	closeListen(listen uint32) error
	connect(addr netip.AddrPort, options ...config.Value) (uint32, error)
	accept(conn uint32) error
	close(conn uint32) error
	state(conn uint32) peerState
	// incoming returns the connections that have arrived since the last call.
	incoming() []uint32
}

type peerState int32

// newScene builds the objects of a scene.
func newScene(t *testing.T, s sockets) scene {
	t.Helper()
	at := scene{}
	var addr netip.AddrPort
	var err error
	at[atListen], addr, err = listenSomewhere(t, s)
	require.NoError(t, err)
	arrival := func() uint32 {
		var in uint32
		until(t, "incoming connection", func() bool {
			for _, in = range s.incoming() {
				return true
			}
			return false
		})
		return in
	}
	at[atConnected], err = s.connect(addr)
	require.NoError(t, err)
	at[atAccepted] = arrival()
	require.NoError(t, s.accept(at[atAccepted]))
	until(t, "connection", func() bool { return s.state(at[atConnected]) == peerState(gns.StateConnected) })
	at[atConnecting], err = s.connect(addr)
	require.NoError(t, err)
	at[atPending] = arrival()
	at[atClosed], err = s.connect(addr)
	require.NoError(t, err)
	closed := arrival()
	require.NoError(t, s.close(closed))
	require.NoError(t, s.close(at[atClosed]))
	at[atClosedListen], _, err = listenSomewhere(t, s)
	require.NoError(t, err)
	require.NoError(t, s.closeListen(at[atClosedListen]))
	return at
}

// end closes what is open.
func (at scene) end(t *testing.T, s sockets) {
	t.Helper()
	for _, p := range []place{atConnected, atConnecting} {
		require.NoError(t, s.close(at[p]))
	}
	require.NoError(t, s.closeListen(at[atListen]))
}

// Ports that are free a moment later, too, are neither among those that systems give to sockets without one
// nor among those that peers listen on.
const (
	firstFreePort = 10000
	lastFreePort  = 20000
)

var freePortCounter atomic.Uint32

func init() { freePortCounter.Store(rand.Uint32N(lastFreePort - firstFreePort)) }

// freeAddr returns an address that was free a moment ago: Valve's library does not take port 0.
func freeAddr(t *testing.T) netip.AddrPort {
	t.Helper()
	for range lastFreePort - firstFreePort {
		port := firstFreePort + freePortCounter.Add(1)%(lastFreePort-firstFreePort)
		addr := netip.AddrPortFrom(ipv4, uint16(port))
		if s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr)); err == nil {
			require.NoError(t, s.Close())
			return addr
		}
	}
	t.Fatal("no port is free")
	return netip.AddrPort{}
}

// listenSomewhere listens at a free address. What fails at three of them is refused.
func listenSomewhere(t *testing.T, s sockets, options ...config.Value) (listen uint32, addr netip.AddrPort, err error) {
	t.Helper()
	for range 3 {
		// A process that is started just now may keep the address in use for a moment.
		addr = freeAddr(t)
		if listen, err = s.listen(addr, options...); err == nil {
			break
		}
	}
	return listen, addr, err
}

// until looks every millisecond whether it is time: Valve's library has no call that waits.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("no %s", what)
		case <-tick.C:
		}
	}
}

// describe says in words what a value is. Functions are known by their names.
func describe(inherited bool, kind config.Type, text string) string {
	source := "own"
	if inherited {
		source = "inherited"
	}
	return fmt.Sprintf("%s %s %s", source, kind, text)
}

const (
	noSuchValue = "no such value"
	notThere    = "no such object, or not a value of the scope"
)

// valveSide is Valve's library, in the test's own process.
type valveSide struct {
	*valve.Library
	arrived   []uint32
	status    uintptr // records incoming connections
	callbacks [2]uintptr
}

// valveInProcess is held by the one test at a time that has Valve's library running.
var valveInProcess sync.Mutex

func newValveSide(t *testing.T) *valveSide {
	t.Helper()
	valveInProcess.Lock()
	t.Cleanup(valveInProcess.Unlock)
	l, err := valve.Open("")
	require.NoError(t, err)
	require.NoError(t, l.Init("str:config"))
	t.Cleanup(l.Kill)
	s := &valveSide{Library: l}
	s.status = l.NewStatusCallback(func(c valve.StatusChange) {
		if c.Info.Listen != 0 && c.Old == valve.StateNone {
			s.arrived = append(s.arrived, uint32(c.Conn))
		}
	})
	for i := range s.callbacks {
		s.callbacks[i] = l.NewStatusCallback(func(valve.StatusChange) {})
	}
	return s
}

func (s *valveSide) begin(t *testing.T) scene {
	t.Helper()
	status, err := valve.NewSetting(int32(config.CallbackConnectionStatusChanged), s.status)
	require.NoError(t, err)
	require.NoError(t, s.SetConfig(valve.ScopeGlobal, 0, status))
	at := newScene(t, s)
	require.True(t, s.unset(config.Global, 0, config.CallbackConnectionStatusChanged))
	t.Cleanup(func() { at.end(t, s) })
	return at
}

func (s *valveSide) setting(v config.Value) valve.Setting {
	var raw any
	switch v.Type() {
	case config.TypeInt32:
		raw = v.Int32()
	case config.TypeInt64:
		raw = v.Int64()
	case config.TypeFloat:
		raw = v.Float()
	case config.TypeString:
		raw = v.Text()
	case config.TypeFunc:
		raw, _ = v.Func().(uintptr)
	}
	setting, err := valve.NewSetting(int32(v.ID()), raw)
	if err != nil {
		panic(err) // every type has its case above
	}
	return setting
}

func (s *valveSide) settings(values []config.Value) []valve.Setting {
	settings := make([]valve.Setting, 0, len(values))
	for _, v := range values {
		settings = append(settings, s.setting(v))
	}
	return settings
}

func (s *valveSide) listen(addr netip.AddrPort, options ...config.Value) (uint32, error) {
	listen, err := s.CreateListenSocketIP(addr, s.settings(options)...)
	return uint32(listen), err
}

func (s *valveSide) closeListen(listen uint32) error {
	return s.CloseListenSocket(valve.ListenSocket(listen))
}

func (s *valveSide) connect(addr netip.AddrPort, options ...config.Value) (uint32, error) {
	conn, err := s.ConnectByIPAddress(addr, s.settings(options)...)
	return uint32(conn), err
}

func (s *valveSide) accept(conn uint32) error { return s.AcceptConnection(valve.Connection(conn)) }

func (s *valveSide) close(conn uint32) error {
	return s.CloseConnection(valve.Connection(conn), 0, "", false)
}

func (s *valveSide) state(conn uint32) peerState {
	info, _ := s.ConnectionInfo(valve.Connection(conn))
	return peerState(info.State)
}

func (s *valveSide) incoming() []uint32 {
	s.arrived = nil
	s.RunCallbacks()
	return s.arrived
}

func (s *valveSide) set(scope config.Scope, object uint32, v config.Value) bool {
	return s.SetConfig(valve.Scope(scope), object, s.setting(v)) == nil
}

func (s *valveSide) unset(scope config.Scope, object uint32, id config.ID) bool {
	return s.UnsetConfig(valve.Scope(scope), object, int32(id)) == nil
}

func (s *valveSide) get(scope config.Scope, object uint32, id config.ID) string {
	v, result := s.ConfigValue(valve.Scope(scope), object, int32(id))
	inherited := result == valve.ConfigOKInherited
	switch v := v.(type) {
	case int32:
		return describe(inherited, config.TypeInt32, config.Int32(id, v).Text())
	case int64:
		return describe(inherited, config.TypeInt64, config.Int64(id, v).Text())
	case float32:
		return describe(inherited, config.TypeFloat, fmt.Sprint(v))
	case string:
		return describe(inherited, config.TypeString, fmt.Sprintf("%q", v))
	case uintptr:
		name := map[uintptr]string{0: "none", s.callbacks[0]: "A", s.callbacks[1]: "B"}[v]
		return describe(inherited, config.TypeFunc, name)
	}
	switch result {
	case valve.ConfigBadValue:
		return noSuchValue
	case valve.ConfigBadScopeObj:
		return notThere
	}
	return fmt.Sprintf("result %d", result)
}

func (s *valveSide) functions(id config.ID) [2]config.Value {
	return [2]config.Value{config.Func(id, s.callbacks[0]), config.Func(id, s.callbacks[1])}
}

// ourSide is this module, with a Sockets of its own for every scene.
type ourSide struct {
	*gns.Sockets
	arrived   []uint32
	callbacks map[config.ID][2]config.Value
}

// newOurSide returns a side that is open until the end of the test.
func newOurSide(t *testing.T) *ourSide {
	t.Helper()
	s := &ourSide{callbacks: map[config.ID][2]config.Value{}}
	s.open(t)
	return s
}

func (s *ourSide) open(t *testing.T) {
	t.Helper()
	var err error
	s.Sockets, err = gns.New(&gns.Options{Identity: gns.GenericString("config")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
}

func (s *ourSide) begin(t *testing.T) scene {
	t.Helper()
	s.open(t)
	s.OnConnectionStatusChanged(func(c gns.ConnectionStatusChanged) {
		if c.Info.ListenSocket != 0 && c.Old == gns.StateNone {
			s.arrived = append(s.arrived, uint32(c.Conn))
		}
	})
	at := newScene(t, s)
	s.OnConnectionStatusChanged(nil)
	return at
}

func (s *ourSide) listen(addr netip.AddrPort, options ...config.Value) (uint32, error) {
	listen, err := s.CreateListenSocketIP(addr, options...)
	return uint32(listen), err
}

func (s *ourSide) closeListen(listen uint32) error {
	return s.CloseListenSocket(gns.ListenSocket(listen))
}

func (s *ourSide) connect(addr netip.AddrPort, options ...config.Value) (uint32, error) {
	conn, err := s.ConnectByIPAddress(addr, options...)
	return uint32(conn), err
}

func (s *ourSide) accept(conn uint32) error { return s.AcceptConnection(gns.Connection(conn)) }

func (s *ourSide) close(conn uint32) error {
	return s.CloseConnection(gns.Connection(conn), 0, "", false)
}

func (s *ourSide) state(conn uint32) peerState {
	info, _ := s.ConnectionInfo(gns.Connection(conn))
	return peerState(info.State)
}

func (s *ourSide) incoming() []uint32 {
	s.arrived = nil
	s.RunCallbacks()
	return s.arrived
}

func (s *ourSide) set(scope config.Scope, object uint32, v config.Value) bool {
	return s.SetConfig(scope, object, v) == nil
}

func (s *ourSide) unset(scope config.Scope, object uint32, id config.ID) bool {
	return s.UnsetConfig(scope, object, id) == nil
}

func (s *ourSide) get(scope config.Scope, object uint32, id config.ID) string {
	v, err := s.Config(scope, object, id)
	switch {
	case errors.Is(err, config.ErrUnknown):
		return noSuchValue
	case errors.Is(err, gns.ErrInvalidParam):
		return notThere
	case err != nil:
		return err.Error()
	}
	inherited, err := s.ConfigInherited(scope, object, id)
	if err != nil {
		return err.Error()
	}
	switch v.Type() {
	case config.TypeFloat:
		return describe(inherited, config.TypeFloat, fmt.Sprint(v.Float()))
	case config.TypeString:
		return describe(inherited, config.TypeString, fmt.Sprintf("%q", v.Text()))
	case config.TypeFunc:
		name := ""
		switch v {
		case config.Func(id, nil):
			name = "none"
		case s.callbacks[id][0]:
			name = "A"
		case s.callbacks[id][1]:
			name = "B"
		}
		return describe(inherited, config.TypeFunc, name)
	}
	return describe(inherited, v.Type(), v.Text())
}

func (s *ourSide) functions(id config.ID) [2]config.Value {
	values, ok := s.callbacks[id]
	if !ok {
		for i := range values {
			switch id {
			case config.CallbackConnectionStatusChanged:
				values[i] = config.Func(id, func(gns.ConnectionStatusChanged) {})
			case config.CallbackAuthStatusChanged:
				values[i] = config.Func(id, func(gns.Availability, string) {})
			case config.CallbackCreateConnectionSignaling:
				values[i] = config.Func(id, func(_, _ gns.Identity, _, _ int) gns.Signaling { return nil })
			case config.CallbackMessagesSessionRequest:
				values[i] = config.Func(id, func(gns.SessionRequest) {})
			case config.CallbackMessagesSessionFailed:
				values[i] = config.Func(id, func(gns.SessionFailed) {})
			default:
				values[i] = config.Func(id, func() {})
			}
		}
		s.callbacks[id] = values
	}
	return values
}
