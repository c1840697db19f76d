package gns

import (
	"fmt"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/snp"
)

// settingsOf reads the effective settings of a connection.
func settingsOf(s *config.Store) conn.Settings {
	ms := func(id config.ID) time.Duration { return time.Duration(s.Int32(id)) * time.Millisecond }
	return conn.Settings{
		TimeoutInitial:              ms(config.TimeoutInitial),
		TimeoutConnected:            ms(config.TimeoutConnected),
		IPAllowWithoutAuth:          s.Int32(config.IPAllowWithoutAuth),
		IPLocalHostAllowWithoutAuth: s.Int32(config.IPLocalHostAllowWithoutAuth),
		Unencrypted:                 s.Int32(config.Unencrypted),
		MTU:                         int(s.Int32(config.MTUPacketSize)),
		SendTimeSincePrevious:       s.Int32(config.SendTimeSincePreviousPacket),
		SNP: snp.Config{
			SendBufferSize:           int(s.Int32(config.SendBufferSize)),
			RecvBufferSize:           int(s.Int32(config.RecvBufferSize)),
			RecvBufferMessages:       int(s.Int32(config.RecvBufferMessages)),
			RecvMaxMessageSize:       int(s.Int32(config.RecvMaxMessageSize)),
			RecvMaxSegmentsPerPacket: int(s.Int32(config.RecvMaxSegmentsPerPacket)),
			NagleTime:                time.Duration(s.Int32(config.NagleTime)) * time.Microsecond,
			SendRateMin:              int(s.Int32(config.SendRateMin)),
			SendRateMax:              int(s.Int32(config.SendRateMax)),
		},
	}
}

// lockedAtStart are the values that a connection keeps from when it is established.
var lockedAtStart = [...]config.ID{
	config.IPAllowWithoutAuth, config.IPLocalHostAllowWithoutAuth, config.Unencrypted, config.SymmetricConnect,
	config.P2PTransportICEEnable, config.P2PTransportICEImplementation,
}

func lockSettings(s *config.Store) {
	_ = s.Lock(lockedAtStart[:]...) // all of them exist at connection scope
}

// SetConfig sets a configuration value at a scope: of the whole Sockets (config.Global or
// config.SocketsInterface, object is ignored), of a listen socket or of a connection (object is the
// handle). Values not set at a narrower scope follow changes at wider ones.
//
// Errors: ErrInvalidParam if there is no such object, or the value is unknown, locked, or not settable
// there; the error also wraps the one of package config.
func (s *Sockets) SetConfig(scope config.Scope, object uint32, v config.Value) error {
	store, err := s.store(scope, object)
	if err != nil {
		return err
	}
	if err := setValue(store, v); err != nil {
		return ResultInvalidParam.wrap(err)
	}
	s.noteConfig(scope, object, v)
	s.configChanged(scope, object)
	return nil
}

// UnsetConfig undoes SetConfig: the value follows wider scopes again, at the widest the compiled-in
// default. It is no error if the value was not set.
//
// Errors: ErrInvalidParam as for SetConfig, and for ConnectionUserData at scope Connection, which a
// connection keeps.
func (s *Sockets) UnsetConfig(scope config.Scope, object uint32, id config.ID) error {
	store, err := s.store(scope, object)
	if err != nil {
		return err
	}
	if err := store.Unset(id); err != nil {
		return ResultInvalidParam.wrap(err)
	}
	s.configChanged(scope, object)
	return nil
}

// ConfigInherited reports whether a configuration value comes from a wider scope, as opposed to being set
// or locked at this one (Valve's OKInherited and OK). At the global scope, which inherits from the defaults, it
// tells whether anybody has set the value; Valve's library answers OK there in any case.
//
// Errors: ErrInvalidParam if there is no such object or value.
func (s *Sockets) ConfigInherited(scope config.Scope, object uint32, id config.ID) (bool, error) {
	store, err := s.store(scope, object)
	if err != nil {
		return false, err
	}
	_, inherited, err := store.Get(id)
	if err != nil {
		return false, ResultInvalidParam.wrap(err)
	}
	return inherited, nil
}

// Config returns the effective value of a configuration value at a scope, inherited or not.
//
// Errors: ErrInvalidParam if there is no such object or value.
func (s *Sockets) Config(scope config.Scope, object uint32, id config.ID) (config.Value, error) {
	store, err := s.store(scope, object)
	if err != nil {
		return config.Value{}, err
	}
	v, _, err := store.Get(id)
	if err != nil {
		return config.Value{}, ResultInvalidParam.wrap(err)
	}
	return v, nil
}

// setValue is Store.Set that knows which functions the callbacks are.
func setValue(store *config.Store, v config.Value) error {
	if f := v.Func(); f != nil {
		known := true
		switch v.ID() {
		case config.CallbackConnectionStatusChanged:
			_, known = f.(func(ConnectionStatusChanged))
		case config.CallbackAuthStatusChanged:
			_, known = f.(func(Availability, string))
		case config.CallbackMessagesSessionRequest:
			_, known = f.(func(SessionRequest))
		case config.CallbackMessagesSessionFailed:
			_, known = f.(func(SessionFailed))
		case config.CallbackCreateConnectionSignaling:
			_, known = f.(CreateConnectionSignaling)
		}
		if !known {
			return fmt.Errorf("%v: function is a %T: %w", v.ID(), f, config.ErrConversion)
		}
	}
	return store.Set(v)
}

func (s *Sockets) store(scope config.Scope, object uint32) (*config.Store, error) {
	switch scope {
	case config.Global:
		return s.global, nil
	case config.SocketsInterface:
		return s.iface, nil
	case config.ListenSocket:
		l, err := s.lookupListen(ListenSocket(object))
		if err != nil {
			return nil, err
		}
		return l.config, nil
	case config.Connection:
		c, err := s.lookup(Connection(object))
		if err != nil {
			return nil, err
		}
		return c.config, nil
	}
	return nil, ResultInvalidParam.errorf("no scope %v", scope)
}

// configChanged brings a changed value to the connections and sockets that it may concern.
func (s *Sockets) configChanged(scope config.Scope, object uint32) {
	s.mu.RLock()
	var conns []*connection
	for c := range s.conns.all() {
		switch {
		case scope == config.Connection && c.handle != Connection(object),
			scope == config.ListenSocket && (c.listen == nil || c.listen.handle != ListenSocket(object)):
		default:
			conns = append(conns, c)
		}
	}
	endpoints := make([]*endpoint, 0, len(s.endpoints))
	for e := range s.endpoints {
		endpoints = append(endpoints, e)
	}
	s.mu.RUnlock()
	for _, e := range endpoints {
		e.configure()
	}
	for _, c := range conns {
		now := c.lock()
		c.configure(now)
		c.pump(now)
		c.mu.Unlock()
	}
}
