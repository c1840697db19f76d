package gns

import "github.com/gogns/gns/internal/mono"

// Header of messages of a session.
var (
	AppendMessageHeader = appendMessageHeader
	CutMessageHeader    = cutMessageHeader
)

// SendRaw sends something without header in the session with a peer.
func (m *Messages) SendRaw(to Identity, data []byte, flags SendFlags) error {
	_, err := m.with(to, func(c *connection, now mono.Time) error {
		_, err := c.queueMessage(now, 0, data, flags)
		return err
	})
	return err
}

// Sizes returns how many sessions, channels and unread messages are remembered.
func (m *Messages) Sizes() (sessions, channels, unread int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		unread += int(s.unread.n)
	}
	return len(m.sessions), len(m.channels), unread
}

// SessionHandle returns the handle of the connection of the session with a peer, 0 if there is none.
func (m *Messages) SessionHandle(peer Identity) (h Connection) {
	_, _ = m.with(peer, func(c *connection, _ mono.Time) error {
		h = c.handle
		return nil
	})
	return h
}
