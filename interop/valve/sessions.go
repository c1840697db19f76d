package valve

import (
	"fmt"
	"unsafe"
)

// SendAutoRestartBrokenSession is the flag with which SendMessageToUser begins anew with a peer that it failed to
// reach.
const SendAutoRestartBrokenSession = 32

// SendMessageToUser sends a message to a peer, with whom a session begins if there is none. Its errors are Results.
func (l *Library) SendMessageToUser(to string, data []byte, flags, channel int) error {
	id, err := l.parseIdentity(to)
	if err != nil {
		return err
	}
	return l.p2p.SendToUser(l.p2p.Messages(), id, unsafe.SliceData(data), uint32(len(data)), int32(flags), int32(channel)).err()
}

// ReceiveMessagesOnChannel returns at most MaxReceive messages that have arrived on a channel, from whomever, never
// blocking.
func (l *Library) ReceiveMessagesOnChannel(channel int) ([]Message, error) {
	var batch [MaxReceive]*message
	return l.take(&batch, l.p2p.ReceiveChannel(l.p2p.Messages(), int32(channel), &batch[0], int32(len(batch))))
}

// AcceptSessionWithUser accepts what a peer has sent; false if it has sent nothing.
func (l *Library) AcceptSessionWithUser(peer string) (bool, error) {
	id, err := l.parseIdentity(peer)
	if err != nil {
		return false, err
	}
	return l.p2p.AcceptSession(l.p2p.Messages(), id), nil
}

// CloseSessionWithUser ends a session; false if there was none.
func (l *Library) CloseSessionWithUser(peer string) (bool, error) {
	id, err := l.parseIdentity(peer)
	if err != nil {
		return false, err
	}
	return l.p2p.CloseSession(l.p2p.Messages(), id), nil
}

// CloseChannelWithUser ends talking with a peer on a channel; false if nothing was received on it.
func (l *Library) CloseChannelWithUser(peer string, channel int) (bool, error) {
	id, err := l.parseIdentity(peer)
	if err != nil {
		return false, err
	}
	return l.p2p.CloseChannel(l.p2p.Messages(), id, int32(channel)), nil
}

// SessionConnectionInfo returns the state of the session with a peer.
func (l *Library) SessionConnectionInfo(peer string) (State, ConnectionInfo, error) {
	id, err := l.parseIdentity(peer)
	if err != nil {
		return StateNone, ConnectionInfo{}, err
	}
	var info connectionInfo
	state := l.p2p.SessionInfo(l.p2p.Messages(), id, &info, nil)
	return State(state), l.makeInfo(&info), nil
}

// OnSession sets the functions that RunCallbacks calls: requested when a peer without a session has sent something, failed when a
// session that was never established is given up. It is called once.
func (l *Library) OnSession(requested func(peer string), failed func(ConnectionInfo)) error {
	err := l.setFunction(configSessionRequest, newCallback(func(peer *identity) { requested(l.printIdentity(peer)) }))
	if err == nil {
		err = l.setFunction(configSessionFailed, newCallback(func(info *connectionInfo) { failed(l.makeInfo(info)) }))
	}
	if err != nil {
		return fmt.Errorf("valve: callbacks of sessions: %w", err)
	}
	return nil
}
