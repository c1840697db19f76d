package peer

import "github.com/gogns/gns/interop/valve"

func (e *valveEngine) OnSignal(f func(to string, signal []byte, rejection bool)) error {
	return e.lib.OnSignal(func(s valve.Signal) { f(s.To, s.Data, s.Rejection) })
}

var valveRequests = map[string]valve.Request{
	RequestAsk:    valve.RequestAsk,
	RequestAccept: valve.RequestAccept,
	RequestIgnore: valve.RequestIgnore,
	RequestReject: valve.RequestReject,
}

func (e *valveEngine) Signal(_ string, signal []byte, request string) bool {
	return e.lib.ReceivedSignal(signal, valveRequests[request])
}

func (e *valveEngine) ListenP2P(virtualPort int, options []string) (uint32, error) {
	settings, err := e.settings(options)
	if err != nil {
		return 0, err
	}
	listen, err := e.lib.CreateListenSocketP2P(virtualPort, settings...)
	return uint32(listen), err
}

func (e *valveEngine) ConnectP2P(remote string, virtualPort int, custom bool, options []string) (uint32, error) {
	settings, err := e.settings(options)
	if err != nil {
		return 0, err
	}
	conn, err := e.lib.ConnectP2P(remote, virtualPort, custom, settings...)
	return uint32(conn), err
}

func (e *valveEngine) ConnectAnybody(there string, virtualPort int) (uint32, error) {
	conn, err := e.lib.ConnectP2PAnybody(there, virtualPort)
	return uint32(conn), err
}

func (e *valveEngine) OnSession(requested func(peer string), failed func(Info)) error {
	return e.lib.OnSession(requested, func(i valve.ConnectionInfo) { failed(valveInfo(i)) })
}

func (e *valveEngine) SendToUser(to string, channel int, data []byte, flags int) error {
	return valveResult(e.lib.SendMessageToUser(to, data, flags, channel))
}

func (e *valveEngine) ReceiveOnChannel(channel int) ([]UserMessage, error) {
	messages, err := e.lib.ReceiveMessagesOnChannel(channel)
	out := make([]UserMessage, 0, len(messages))
	for _, m := range messages {
		out = append(out, UserMessage{
			From: m.Identity, Channel: m.Channel,
			Received: Received{Lane: m.Lane, Number: m.Number, Flags: m.Flags, Data: m.Data},
		})
	}
	return out, valveResult(err)
}

func (e *valveEngine) AcceptSession(peer string) (bool, error) {
	return e.lib.AcceptSessionWithUser(peer)
}

func (e *valveEngine) CloseSession(peer string) (bool, error) {
	return e.lib.CloseSessionWithUser(peer)
}

func (e *valveEngine) CloseChannel(peer string, channel int) (bool, error) {
	return e.lib.CloseChannelWithUser(peer, channel)
}

func (e *valveEngine) SessionInfo(peer string) (Info, error) {
	state, info, err := e.lib.SessionConnectionInfo(peer)
	out := valveInfo(info)
	out.State = State(state)
	return out, err
}
