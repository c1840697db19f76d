package gns

import (
	"errors"
	"fmt"

	"github.com/gogns/gns/config"
)

// ErrNotSupported is what calls return that this version of the package cannot carry out at all, whatever
// the arguments. errors.Is(err, errors.ErrUnsupported) is true for it.
var ErrNotSupported = fmt.Errorf("%w: %w", ErrFail, errors.ErrUnsupported)

// maxVirtualPort is the highest virtual port that programs can use.
const maxVirtualPort = 0xffff

// CreateListenSocketP2P is for accepting connections of peers that are found through a signaling service,
// under a virtual port of 0 to 65535.
//
// Errors: ErrInvalidParam for a virtual port out of range or a bad option, and otherwise ErrNotSupported:
// this version has no transport for it.
func (s *Sockets) CreateListenSocketP2P(virtualPort int, opts ...config.Value) (ListenSocket, error) {
	if err := s.checkP2P(config.NewStore(config.ListenSocket, s.iface), virtualPort, opts); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%w: listening for P2P connections", ErrNotSupported)
}

// ConnectP2P is for connecting to a peer by identity, through a signaling service.
//
// Errors: ErrInvalidParam for an invalid identity, a virtual port out of range or a bad option, and
// otherwise ErrNotSupported: this version has no transport for it.
func (s *Sockets) ConnectP2P(remote Identity, remoteVirtualPort int, opts ...config.Value) (Connection, error) {
	if !remote.IsValid() {
		return 0, ResultInvalidParam.errorf("identity of the peer: %v", remote.Err())
	}
	store := config.NewStore(config.Connection, s.iface)
	if err := s.checkP2P(store, remoteVirtualPort, opts); err != nil {
		return 0, err
	}
	if port := store.Int32(config.LocalVirtualPort); port > maxVirtualPort {
		return 0, ResultInvalidParam.errorf("LocalVirtualPort is %d, at most %d is possible", port, maxVirtualPort)
	}
	return 0, fmt.Errorf("%w: connecting to P2P peers", ErrNotSupported)
}

// checkP2P checks what listening and connecting have in common, and applies the options.
func (s *Sockets) checkP2P(store *config.Store, virtualPort int, opts []config.Value) error {
	if virtualPort < 0 || virtualPort > maxVirtualPort {
		return ResultInvalidParam.errorf("virtual port %d is not in 0...%d", virtualPort, maxVirtualPort)
	}
	for _, v := range opts {
		if err := s.setOption(store, v); err != nil {
			return err
		}
	}
	return nil
}
