//go:build (linux || darwin || freebsd) && (amd64 || arm64)

package valve

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// calls are the functions that are called per message or per look. Package valve of interop has all others;
// its way of calling is more convenient and slower.
type calls struct {
	sockets, utils uintptr

	runCallbacks, send, sendMessages, allocate, receive, release uintptr
}

func open(path string) (*calls, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	c := &calls{}
	var makeSockets, makeUtils uintptr
	for name, f := range map[string]*uintptr{
		"SteamAPI_SteamNetworkingSockets_v009":                        &makeSockets,
		"SteamAPI_SteamNetworkingUtils_v003":                          &makeUtils,
		"SteamAPI_ISteamNetworkingSockets_RunCallbacks":               &c.runCallbacks,
		"SteamAPI_ISteamNetworkingSockets_SendMessageToConnection":    &c.send,
		"SteamAPI_ISteamNetworkingSockets_SendMessages":               &c.sendMessages,
		"SteamAPI_ISteamNetworkingUtils_AllocateMessage":              &c.allocate,
		"SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup": &c.receive,
		"SteamAPI_SteamNetworkingMessage_t_Release":                   &c.release,
	} {
		if *f, err = purego.Dlsym(handle, name); err != nil {
			return nil, err
		}
	}
	c.sockets, _, _ = purego.SyscallN(makeSockets)
	c.utils, _, _ = purego.SyscallN(makeUtils)
	return c, nil
}

func (c *calls) RunCallbacks() { purego.SyscallN(c.runCallbacks, c.sockets) }

// Send copies a message and sends it on lane 0.
func (c *calls) Send(conn uint32, data []byte, flags int32) result {
	r, _, _ := purego.SyscallN(c.send, c.sockets, uintptr(conn), uintptr(unsafe.Pointer(unsafe.SliceData(data))),
		uintptr(len(data)), uintptr(flags), 0)
	return result(int32(r))
}

// Allocate returns a message to fill and send.
func (c *calls) Allocate(size int) *message {
	r, _, _ := purego.SyscallN(c.allocate, c.utils, uintptr(size))
	return *(**message)(unsafe.Pointer(&r))
}

// SendMessages sends messages, which are the library's afterwards whatever happened. It leaves the number
// of each message or, negative, why it was refused in results.
func (c *calls) SendMessages(messages []*message, results []int64) {
	purego.SyscallN(c.sendMessages, c.sockets, uintptr(len(messages)), uintptr(unsafe.Pointer(unsafe.SliceData(messages))),
		uintptr(unsafe.Pointer(unsafe.SliceData(results))), 1)
}

// Receive takes messages that have arrived on a poll group.
func (c *calls) Receive(group uint32, batch []*message) int {
	r, _, _ := purego.SyscallN(c.receive, c.sockets, uintptr(group), uintptr(unsafe.Pointer(unsafe.SliceData(batch))), uintptr(len(batch)))
	return int(int32(r))
}

// Release gives a received message back.
func (c *calls) Release(m *message) { purego.SyscallN(c.release, uintptr(unsafe.Pointer(m))) }
