package peer

import (
	"errors"

	"github.com/gogns/gns"
)

func (e *ourEngine) OnSession(requested func(peer string), failed func(Info)) error {
	m := e.s.Messages()
	m.OnSessionRequest(func(r gns.SessionRequest) { requested(r.Peer.String()) })
	m.OnSessionFailed(func(f gns.SessionFailed) { failed(ourInfo(f.Info)) })
	return nil
}

func (e *ourEngine) SendToUser(to string, channel int, data []byte, flags int) error {
	id, err := gns.ParseIdentity(to)
	if err != nil {
		return err
	}
	return ourResult(e.s.Messages().SendMessageToUser(id, data, gns.SendFlags(flags), channel))
}

func (e *ourEngine) ReceiveOnChannel(channel int) ([]UserMessage, error) {
	var messages [64]*gns.Message
	n, err := e.s.Messages().ReceiveMessagesOnChannel(channel, messages[:])
	out := make([]UserMessage, 0, n)
	for _, m := range messages[:n] {
		out = append(out, UserMessage{
			From: m.Peer.String(), Channel: channel,
			Received: Received{Lane: m.Lane, Number: m.Number, Flags: int(m.Flags), Data: m.Data},
		})
	}
	return out, ourResult(err)
}

// withUser runs a call about a peer that returns ErrNoConnection where Valve's returns false.
func withUser(peer string, call func(gns.Identity) error) (bool, error) {
	id, err := gns.ParseIdentity(peer)
	if err == nil {
		err = call(id)
	}
	if errors.Is(err, gns.ErrNoConnection) {
		return false, nil
	}
	return err == nil, err
}

func (e *ourEngine) AcceptSession(peer string) (bool, error) {
	return withUser(peer, e.s.Messages().AcceptSessionWithUser)
}

func (e *ourEngine) CloseSession(peer string) (bool, error) {
	return withUser(peer, e.s.Messages().CloseSessionWithUser)
}

func (e *ourEngine) CloseChannel(peer string, channel int) (bool, error) {
	return withUser(peer, func(id gns.Identity) error { return e.s.Messages().CloseChannelWithUser(id, channel) })
}

func (e *ourEngine) SessionInfo(peer string) (Info, error) {
	id, err := gns.ParseIdentity(peer)
	if err != nil {
		return Info{}, err
	}
	state, info, _ := e.s.Messages().SessionConnectionInfo(id)
	out := ourInfo(info)
	out.State = State(state)
	return out, nil
}
