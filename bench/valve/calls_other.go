//go:build !((linux || darwin || freebsd) && (amd64 || arm64))

package valve

import "github.com/gogns/gns/bench/peer"

// calls are not there: the library cannot be loaded on this system.
type calls struct{}

func open(string) (*calls, error) { return nil, peer.ErrCannot }

func (*calls) RunCallbacks()                     {}
func (*calls) Send(uint32, []byte, int32) result { return 0 }
func (*calls) Allocate(int) *message             { return nil }
func (*calls) SendMessages([]*message, []int64)  {}
func (*calls) Receive(uint32, []*message) int    { return 0 }
func (*calls) Release(*message)                  {}
