package main

/*
#include "include/gns_types.h"
*/
import "C"

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/gogns/gns"
)

//export SteamAPI_ISteamNetworkingSockets_SendMessageToConnection
func SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(self unsafe.Pointer, h C.HSteamNetConnection, data C.uintptr_t, n C.uint32_t, flags C.int, number *C.int64_t) C.EResult {
	sent, err := int64(0), error(gns.ErrInvalidParam)
	b := at[byte](data, int(n))
	if s := library.Load(); s != nil && len(b) == int(n) {
		sent, err = s.SendMessageToConnection(gns.Connection(h), b, gns.SendFlags(flags))
	}
	if number != nil {
		*number = -1
		if err == nil {
			*number = C.int64_t(sent)
		}
	}
	if err == nil {
		return C.k_EResultOK
	}
	return resultOf(err)
}

//export SteamAPI_ISteamNetworkingSockets_FlushMessagesOnConnection
func SteamAPI_ISteamNetworkingSockets_FlushMessagesOnConnection(self unsafe.Pointer, h C.HSteamNetConnection) C.EResult {
	s := library.Load()
	if s == nil {
		return C.k_EResultInvalidParam
	}
	return resultOf(s.FlushMessagesOnConnection(gns.Connection(h)))
}

// batch is room for the messages of a call of SendMessages.
type batch struct {
	messages []gns.OutMessage
	pointers []*gns.OutMessage
}

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) resize(n int) {
	if n > len(b.messages) {
		b.messages, b.pointers = make([]gns.OutMessage, n), make([]*gns.OutMessage, n)
		for i := range b.messages {
			b.pointers[i] = &b.messages[i]
		}
	}
}

// gns_send_messages sends messages for SendMessages in message.c, which knows what to release. Results are Valve's: numbers of messages, results
// times -1, and 0 for what was not tried.
//
//export gns_send_messages
func gns_send_messages(n C.int, messages **C.SteamNetworkingMessage_t, results *C.int64_t) {
	in, out := unsafe.Slice(messages, int(n)), unsafe.Slice(results, int(n))
	s := library.Load()
	b := batches.Get().(*batch)
	defer batches.Put(b)
	b.resize(int(n))
	for i, m := range in {
		if m == nil { // no message, which does not keep others from being sent
			b.messages[i] = gns.OutMessage{}
			continue
		}
		b.messages[i] = gns.OutMessage{
			Conn:  gns.Connection(m.m_conn),
			Data:  bytesAt(m.m_pData, int(m.m_cbSize)),
			Flags: gns.SendFlags(m.m_nFlags),
			Lane:  int(m.m_idxLane),
		}
		if m.m_cbSize < 0 || (m.m_pData == nil && m.m_cbSize > 0) {
			b.messages[i].Lane = -1 // a parameter that is as bad, which ends the sending on its connection as well
		}
	}
	if s != nil {
		s.SendMessages(b.pointers[:n])
	}
	for i := range out {
		m := &b.messages[i]
		switch {
		case s == nil:
			out[i] = -C.k_EResultInvalidParam
		case m.Err == nil:
			out[i] = C.int64_t(m.Number)
		case errors.Is(m.Err, gns.ErrNotAttempted):
			out[i] = 0
		default:
			out[i] = -C.int64_t(resultOf(m.Err))
		}
		*m = gns.OutMessage{} // C's memory is not to be looked at again
	}
}
