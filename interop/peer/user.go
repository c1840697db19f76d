package peer

import (
	"encoding/json"
	"fmt"
	"time"
)

// Channels says which channels of messages from users the peer reads from now on.
func (p *Peer) Channels(channels ...int) {
	p.t.Helper()
	p.call(p.t, Command{Do: "channels", Channels: channels})
}

// SendToUser sends a message to a user, or returns the refusal.
func (p *Peer) SendToUser(to string, channel, flags int, data []byte) error {
	p.t.Helper()
	reply := p.do(p.t, Command{Do: "send-user", Identity: to, Channel: channel, Flags: flags, Hex: fmt.Sprintf("%x", data)})
	return reply.err()
}

// SendContentToUser sends Content(seed, size) to a user, or returns the refusal.
func (p *Peer) SendContentToUser(to string, channel, flags int, seed uint64, size int) error {
	p.t.Helper()
	reply := p.do(p.t, Command{Do: "send-user", Identity: to, Channel: channel, Flags: flags, Seed: seed, Size: int64(size)})
	return reply.err()
}

// FromUser is a message from a user.
type FromUser struct {
	From    string
	Channel int
	Message
}

// UserMessages takes the next n messages from users, waiting for them.
func (p *Peer) UserMessages(n int) []FromUser {
	p.t.Helper()
	var got []FromUser
	for _, e := range p.events(evUser, n, patience) {
		if err := e.err(); err != nil {
			p.t.Fatalf("%s: %v", p.options.Name, err)
		}
		got = append(got, FromUser{From: e.Identity, Channel: int(e.Number), Message: *e.Message})
	}
	return got
}

// SessionRequest waits for a session request, and returns whose it is.
func (p *Peer) SessionRequest() string {
	p.t.Helper()
	return p.events(evSession, 1, patience)[0].Identity
}

// SessionFailed waits for the failure of a session.
func (p *Peer) SessionFailed(d time.Duration) Info {
	p.t.Helper()
	return *p.events(evSessionEnd, 1, d)[0].Info
}

// NoSessionEvent checks that no session was asked for or failed that the test has not taken.
func (p *Peer) NoSessionEvent() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.others {
		if e.Kind == evSession || e.Kind == evSessionEnd {
			p.t.Fatalf("%s: unexpected event: %s", p.options.Name, mustJSON(e))
		}
	}
}

// AcceptSession accepts what a user sends; false if there is nothing.
func (p *Peer) AcceptSession(user string) bool {
	p.t.Helper()
	return p.call(p.t, Command{Do: "accept-session", Identity: user}).Number == 1
}

// CloseSession ends a session; false if there is none.
func (p *Peer) CloseSession(user string) bool {
	p.t.Helper()
	return p.call(p.t, Command{Do: "close-session", Identity: user}).Number == 1
}

// CloseChannel ends a channel of a session; false if there is none.
func (p *Peer) CloseChannel(user string, channel int) bool {
	p.t.Helper()
	return p.call(p.t, Command{Do: "close-channel", Identity: user, Channel: channel}).Number == 1
}

// SessionInfo returns what the peer knows of a session; its state is None if there is none.
func (p *Peer) SessionInfo(user string) Info {
	p.t.Helper()
	return *p.call(p.t, Command{Do: "session-info", Identity: user}).Info
}

// WaitSession waits until the session with a user is in a state.
func (p *Peer) WaitSession(user string, state State, d time.Duration) Info {
	p.t.Helper()
	tick := time.NewTicker(sessionPoll)
	defer tick.Stop()
	over := time.After(d)
	for {
		info := p.SessionInfo(user)
		if info.State == state {
			return info
		}
		select {
		case <-tick.C:
		case <-over:
			p.t.Fatalf("%s: the session with %s is %v, not %v, after %v", p.options.Name, user, info.State, state, d)
		}
	}
}

// sessionPoll is how often WaitSession looks: there is no event for most changes of a session.
const sessionPoll = 20 * time.Millisecond

// events takes the oldest n events of a kind that is about no connection, waiting for them.
func (p *Peer) events(kind string, n int, d time.Duration) []Event {
	p.t.Helper()
	var found []Event
	p.waitFor(p.t, d, fmt.Sprintf("%d events %q", n, kind), func() bool {
		found = found[:0]
		var rest []Event
		for _, e := range p.others {
			if e.Kind == kind && len(found) < n {
				found = append(found, e)
			} else {
				rest = append(rest, e)
			}
		}
		if len(found) < n {
			return false
		}
		p.others = rest
		return true
	})
	return found
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
