package gns

import (
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/snp"
)

// sendSelf delivers a message to this side itself, within the limits for what a connection may receive.
func (m *Messages) sendSelf(self Identity, data []byte, flags SendFlags, number int) error {
	limits := m.s.iface
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errSocketsClosed
	}
	s := m.session(self)
	s.isSelf = true
	size := messageHeaderSize + len(data)
	if int(s.unread.n) >= int(limits.Int32(config.RecvBufferMessages)) || s.bytes+size > int(limits.Int32(config.RecvBufferSize)) {
		m.mu.Unlock()
		return ResultLimitExceeded.errorf("%d messages to oneself are unread", s.unread.n)
	}
	s.number++
	message := messages.Get().(*Message)
	*message = Message{
		Data:     append([]byte(nil), data...),
		Peer:     self,
		Received: m.s.timeOf(m.s.now()),
		Number:   s.number,
		Flags:    flags & SendReliable,
		Channel:  number,
		inner:    new(snp.Message),
	}
	m.link(s, message)
	m.mu.Unlock()
	m.s.callbacks.arrived(1)
	return nil
}

func (m *Messages) isSelf(peer Identity) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[peer]
	return s != nil && s.isSelf
}

func selfInfo(self Identity) ConnectionInfo {
	return ConnectionInfo{
		Identity:    self,
		UserData:    -1,
		State:       StateConnected,
		Description: "messages to oneself",
		Flags:       InfoLoopbackBuffers | InfoFast,
		Auth:        PeerAuth{Assurance: AssuranceProven},
	}
}

func selfStatus() RealTimeStatus {
	return RealTimeStatus{State: StateConnected, QualityLocal: -1, QualityRemote: -1, SendRate: conn.PipeSendRate, MaxJitter: -1}
}
