//go:build linux

package natlab

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/signaling/lossy"
	"github.com/gogns/gns/signaling/trivial"
)

type signalArgs struct{ Addr netip.AddrPort }

func runSignal(encoded []byte) error {
	var args signalArgs
	if err := json.Unmarshal(encoded, &args); err != nil {
		return err
	}
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(args.Addr))
	if err != nil {
		return err
	}
	var s trivial.Server
	defer s.Close()
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	fmt.Println("ready")
	select {
	case err := <-served:
		return err
	case err := <-ended:
		return err
	}
}

// signals is a signaling service of one client that may lose what it sends.
type signals struct {
	trivial.Service
	client *trivial.Client // once there is one
}

func newSignals(args peerArgs, log *slog.Logger) (*signals, p2p.SignalingService, error) {
	s := &signals{Service: trivial.Service{Address: args.Signal.String(), Logger: log}}
	lossy, err := lossy.New(s, lossy.Conditions{Seed: args.Seed, Loss: float64(args.LoseSignals) / 100})
	return s, lossy, err
}

func (s *signals) Open(self crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	client, err := s.Service.Open(self, handler)
	if err == nil {
		s.client = client.(*trivial.Client)
	}
	return client, err
}
