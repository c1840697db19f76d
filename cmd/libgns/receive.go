package main

/*
#include "include/gns_types.h"
#include "message.h"
*/
import "C"

import (
	"sync"
	"unsafe"

	"github.com/gogns/gns"
)

// intake is room for messages on their way to the application.
type intake struct {
	messages [256]*gns.Message
	sizes    [256]C.int32_t
	peer     gns.Identity // of the message before
	identity C.SteamNetworkingIdentity
}

var intakes = sync.Pool{New: func() any { return new(intake) }}

// receive moves up to most messages from source to out, and returns how many, or -1 if there is no such source.
func receive(out **C.SteamNetworkingMessage_t, most C.int, source func([]*gns.Message) (int, error)) C.int {
	if out == nil || most <= 0 {
		if _, err := source(nil); err != nil {
			return -1
		}
		return 0
	}
	in := intakes.Get().(*intake)
	defer intakes.Put(in)
	dst := unsafe.Slice(out, int(most))
	total := 0
	for total < len(dst) {
		n, err := source(in.messages[:min(len(in.messages), len(dst)-total)])
		if err != nil && total == 0 {
			return -1
		}
		in.deliver(n, dst[total:])
		total += n
		if n < len(in.messages) {
			break
		}
	}
	return C.int(total)
}

// deliver makes the first n messages the application's.
func (in *intake) deliver(n int, dst []*C.SteamNetworkingMessage_t) {
	if n == 0 {
		return
	}
	for i, m := range in.messages[:n] {
		in.sizes[i] = C.int32_t(len(m.Data))
	}
	if made := C.gns_make_messages(C.int(n), &in.sizes[0], &dst[0]); int(made) < n {
		panic("libgns: out of memory for messages that have arrived") // as Go itself does it
	}
	for i, m := range in.messages[:n] {
		in.fill(dst[i], m)
		m.Release()
		in.messages[i] = nil
	}
}

// fill writes a message.
func (in *intake) fill(c *C.SteamNetworkingMessage_t, m *gns.Message) {
	if len(m.Data) > 0 {
		copy(unsafe.Slice((*byte)(c.m_pData), len(m.Data)), m.Data)
	}
	if m.Peer != in.peer { // it usually is the same, and dear to convert
		in.peer = m.Peer
		putIdentity(&in.identity, m.Peer)
	}
	c.m_identityPeer = in.identity
	c.m_conn = C.HSteamNetConnection(m.Conn)
	c.m_nConnUserData = C.int64_t(m.UserData)
	c.m_usecTimeReceived = timestamp(m.Received)
	c.m_nMessageNumber = C.int64_t(m.Number)
	c.m_nChannel = C.int32_t(m.Channel)
	c.m_nFlags = C.int32_t(m.Flags)
	c.m_idxLane = C.uint16_t(m.Lane)
}

//export SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection
func SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(self unsafe.Pointer, h C.HSteamNetConnection, out **C.SteamNetworkingMessage_t, most C.int) C.int {
	s := library.Load()
	if s == nil {
		return -1
	}
	return receive(out, most, func(dst []*gns.Message) (int, error) {
		return s.ReceiveMessagesOnConnection(gns.Connection(h), dst)
	})
}

//export SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup
func SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(self unsafe.Pointer, g C.HSteamNetPollGroup, out **C.SteamNetworkingMessage_t, most C.int) C.int {
	s := library.Load()
	if s == nil {
		return -1
	}
	return receive(out, most, func(dst []*gns.Message) (int, error) {
		return s.ReceiveMessagesOnPollGroup(gns.PollGroup(g), dst)
	})
}
