package peer

import (
	"sync"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// ourSignals is the default signaling service of our implementation, in a peer whose test carries the signals.
type ourSignals struct {
	mu      sync.Mutex
	out     func(to string, signal []byte, rejection bool)
	handler p2p.SignalHandler
}

func (o *ourSignals) Open(_ crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handler = handler
	return o, nil
}

func (o *ourSignals) SendSignal(to crypto.Identity, signal []byte) error {
	o.send(to.String(), signal, false)
	return nil
}

func (o *ourSignals) Close() error { return nil }

func (o *ourSignals) send(to string, signal []byte, rejection bool) {
	o.mu.Lock()
	out := o.out
	o.mu.Unlock()
	if out != nil {
		out(to, signal, rejection)
	}
}

// ourSignaling is a signaling object of a connection of its own.
type ourSignaling struct {
	signals *ourSignals
	to      string
}

func (s ourSignaling) SendSignal(_ gns.Connection, _ gns.ConnectionInfo, signal []byte) error {
	s.signals.send(s.to, signal, false)
	return nil
}

func (ourSignaling) Release() {}

// ourRequests decides about requests that come with signals.
type ourRequests struct {
	e      *ourEngine
	answer string
}

func (r ourRequests) OnConnectRequest(c gns.Connection, peer gns.Identity, _ int) gns.Signaling {
	switch r.answer {
	case RequestIgnore:
		return nil
	case RequestReject:
		_ = r.e.s.CloseConnection(c, RejectReason, "not you", false)
		return nil
	case RequestAccept:
		_ = r.e.s.AcceptConnection(c)
	}
	return ourSignaling{r.e.signals, peer.String()}
}

func (r ourRequests) SendRejectionSignal(peer gns.Identity, signal []byte) {
	r.e.signals.send(peer.String(), signal, true)
}

func (e *ourEngine) OnSignal(f func(to string, signal []byte, rejection bool)) error {
	e.signals.mu.Lock()
	defer e.signals.mu.Unlock()
	e.signals.out = f
	return nil
}

// Signal gives a signal to the default service, if that is in use and is to ask the application about requests.
func (e *ourEngine) Signal(from string, signal []byte, request string) bool {
	e.signals.mu.Lock()
	handler := e.signals.handler
	e.signals.mu.Unlock()
	id, err := gns.ParseIdentity(from)
	if request != RequestAsk || handler == nil || err != nil {
		return e.s.ReceivedP2PCustomSignal(signal, ourRequests{e, request}) == nil
	}
	handler.Signal(id, signal)
	return true
}

func (e *ourEngine) ListenP2P(virtualPort int, options []string) (uint32, error) {
	values, err := ourSettings(options)
	if err != nil {
		return 0, err
	}
	listen, err := e.s.CreateListenSocketP2P(virtualPort, values...)
	return uint32(listen), err
}

func (e *ourEngine) ConnectP2P(remote string, virtualPort int, custom bool, options []string) (uint32, error) {
	values, err := ourSettings(options)
	if err != nil {
		return 0, err
	}
	id, err := gns.ParseIdentity(remote)
	if err != nil {
		return 0, err
	}
	var conn gns.Connection
	if custom {
		conn, err = e.s.ConnectP2PCustomSignaling(ourSignaling{e.signals, remote}, id, virtualPort, values...)
	} else {
		conn, err = e.s.ConnectP2P(id, virtualPort, values...)
	}
	return uint32(conn), ourResult(err)
}

func (e *ourEngine) ConnectAnybody(there string, virtualPort int) (uint32, error) {
	conn, err := e.s.ConnectP2PCustomSignaling(ourSignaling{e.signals, there}, gns.Identity{}, virtualPort)
	return uint32(conn), ourResult(err)
}
