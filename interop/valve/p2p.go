package valve

import (
	"fmt"
	"unsafe"
)

// p2pSymbols are the functions for connections by identity.
type p2pSymbols struct {
	Listen         func(self uintptr, virtualPort, n int32, options *configValue) uint32                               `symbol:"SteamAPI_ISteamNetworkingSockets_CreateListenSocketP2P"`
	Connect        func(self uintptr, remote *identity, virtualPort, n int32, options *configValue) uint32             `symbol:"SteamAPI_ISteamNetworkingSockets_ConnectP2P"`
	ConnectCustom  func(self, signaling uintptr, remote *identity, virtualPort, n int32, options *configValue) uint32  `symbol:"SteamAPI_ISteamNetworkingSockets_ConnectP2PCustomSignaling"`
	NewSignaling   func(context, send, release uintptr) uintptr                                                        `symbol:"SteamAPI_ISteamNetworkingSockets_CreateCustomSignaling"`
	ReceivedSignal func(self uintptr, signal *byte, size int32, context, onConnectRequest, sendRejection uintptr) bool `symbol:"SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal2"`
	Messages       func() uintptr                                                                                      `symbol:"SteamAPI_SteamNetworkingMessages_v002"`
	SendToUser     func(self uintptr, to *identity, data *byte, size uint32, flags, channel int32) Result              `symbol:"SteamAPI_ISteamNetworkingMessages_SendMessageToUser"`
	ReceiveChannel func(self uintptr, channel int32, out **message, n int32) int32                                     `symbol:"SteamAPI_ISteamNetworkingMessages_ReceiveMessagesOnChannel"`
	AcceptSession  func(self uintptr, with *identity) bool                                                             `symbol:"SteamAPI_ISteamNetworkingMessages_AcceptSessionWithUser"`
	CloseSession   func(self uintptr, with *identity) bool                                                             `symbol:"SteamAPI_ISteamNetworkingMessages_CloseSessionWithUser"`
	CloseChannel   func(self uintptr, with *identity, channel int32) bool                                              `symbol:"SteamAPI_ISteamNetworkingMessages_CloseChannelWithUser"`
	SessionInfo    func(self uintptr, with *identity, info *connectionInfo, status *realTimeStatus) (state int32)      `symbol:"SteamAPI_ISteamNetworkingMessages_GetSessionConnectionInfo"`
}

// Configuration values that are functions.
const (
	configSessionRequest  = 204
	configSessionFailed   = 205
	configCreateSignaling = 206
)

// Signal is a signal that the library sends.
type Signal struct {
	To        string // identity in text form
	Data      []byte
	Rejection bool // of a request, through SendRejectionSignal
}

// Request is what happens to a connection request from a peer.
type Request int

// What can happen to a connection request.
const (
	RequestAsk    Request = iota // the connection is Connecting until AcceptConnection
	RequestAccept                // it is accepted before the library has dealt with the signal
	RequestIgnore                // the peer gets no answer
	RequestReject                // it gets a rejection, with reason 1234
)

// RejectReason is the end reason of rejections.
const RejectReason = 1234

// signaling is what the library's functions for signals need.
type signaling struct {
	send, release, request, reject uintptr // functions of C

	out    func(Signal)
	peers  map[uintptr]string // by context
	answer Request
}

// OnSignal sets the function that gets the library's signals, those of ConnectP2P, of messages to users and of incoming connections
// as well. It is called on any thread with the library's locks held, and so must not call the library.
func (l *Library) OnSignal(f func(Signal)) error {
	l.mu.Lock()
	first := l.signals.out == nil
	l.signals.out = f
	l.mu.Unlock()
	if !first {
		return nil
	}
	l.signals.peers = map[uintptr]string{}
	l.signals.send = newCallback(func(context uintptr, _ uint32, _ *connectionInfo, data *byte, size int32) bool {
		l.mu.Lock()
		to := l.signals.peers[context]
		f := l.signals.out
		l.mu.Unlock()
		f(Signal{To: to, Data: cBytes(data, size)})
		return true
	})
	l.signals.release = newCallback(func(context uintptr) {
		l.mu.Lock()
		delete(l.signals.peers, context)
		l.mu.Unlock()
	})
	l.signals.request = newCallback(func(_ uintptr, conn uint32, peer *identity, _ int32) uintptr {
		switch l.signals.answer {
		case RequestIgnore:
			return 0
		case RequestReject:
			_ = l.CloseConnection(Connection(conn), RejectReason, "not you", false)
			return 0
		case RequestAccept:
			_ = l.AcceptConnection(Connection(conn))
		}
		return l.newSignaling(l.printIdentity(peer))
	})
	l.signals.reject = newCallback(func(_ uintptr, peer *identity, data *byte, size int32) {
		to := l.printIdentity(peer)
		l.mu.Lock()
		f := l.signals.out
		l.mu.Unlock()
		f(Signal{To: to, Data: cBytes(data, size), Rejection: true})
	})
	return l.setFunction(configCreateSignaling, newCallback(func(_ uintptr, peer *identity, _, _ int32) uintptr {
		return l.newSignaling(l.printIdentity(peer))
	}))
}

// setFunction sets a global configuration value that is a function of C.
func (l *Library) setFunction(id int32, function uintptr) error {
	s, err := NewSetting(id, function)
	if err != nil {
		return err
	}
	return l.SetConfig(ScopeGlobal, 0, s)
}

// newSignaling makes the object through which a connection sends its signals.
func (l *Library) newSignaling(to string) uintptr {
	l.mu.Lock()
	l.lastContext++
	context := l.lastContext
	l.signals.peers[context] = to
	l.mu.Unlock()
	return l.p2p.NewSignaling(context, l.signals.send, l.signals.release)
}

// ReceivedSignal gives a signal of a peer to the library, and says what to do if it is a connection request. It is false if the
// library finds it unacceptable. Only one goroutine calls it.
func (l *Library) ReceivedSignal(data []byte, request Request) bool {
	l.signals.answer = request
	return l.p2p.ReceivedSignal(l.sockets, unsafe.SliceData(data), int32(len(data)), 0, l.signals.request, l.signals.reject)
}

// CreateListenSocketP2P listens on a virtual port.
func (l *Library) CreateListenSocketP2P(virtualPort int, options ...Setting) (ListenSocket, error) {
	var listen uint32
	withOptions(options, func(n int32, o *configValue) { listen = l.p2p.Listen(l.sockets, int32(virtualPort), n, o) })
	if listen == 0 {
		return 0, fmt.Errorf("valve: CreateListenSocketP2P(%d) failed", virtualPort)
	}
	return ListenSocket(listen), nil
}

// ConnectP2P begins to connect to a peer. Custom says through which call, with a signaling object or without; both need
// OnSignal.
func (l *Library) ConnectP2P(remote string, virtualPort int, custom bool, options ...Setting) (Connection, error) {
	id, err := l.parseIdentity(remote)
	if err != nil {
		return 0, err
	}
	var conn uint32
	withOptions(options, func(n int32, o *configValue) {
		if custom {
			conn = l.p2p.ConnectCustom(l.sockets, l.newSignaling(remote), id, int32(virtualPort), n, o)
		} else {
			conn = l.p2p.Connect(l.sockets, id, int32(virtualPort), n, o)
		}
	})
	if conn == 0 {
		return 0, fmt.Errorf("valve: connecting to %s, virtual port %d, failed", remote, virtualPort)
	}
	return Connection(conn), nil
}

// ConnectP2PAnybody begins to connect to whoever answers the signals to a peer.
func (l *Library) ConnectP2PAnybody(there string, virtualPort int) (Connection, error) {
	conn := l.p2p.ConnectCustom(l.sockets, l.newSignaling(there), nil, int32(virtualPort), 0, nil)
	if conn == 0 {
		return 0, fmt.Errorf("valve: connecting to whoever is at %s, virtual port %d, failed", there, virtualPort)
	}
	return Connection(conn), nil
}

// cBytes copies memory of C.
func cBytes(p *byte, size int32) []byte {
	return append([]byte(nil), unsafe.Slice(p, size)...)
}
