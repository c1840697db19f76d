package simnet

import (
	"net/netip"

	"github.com/gogns/gns/internal/mono"
)

// Host is somebody who sends and receives datagrams, from one address at a time.
type Host struct {
	id       uint64
	site     *Host     // whose paths it uses: itself, or the host that it was added beside
	bindings []binding // by instant
}

// binding is the address of a host from an instant on.
type binding struct {
	from mono.Time
	addr netip.AddrPort
}

// Addr returns the address that others see at now.
func (h *Host) Addr(now mono.Time) netip.AddrPort {
	addr := h.bindings[0].addr
	for _, b := range h.bindings[1:] {
		if b.from <= now {
			addr = b.addr
		}
	}
	return addr
}

// Beside reports whether two hosts are at the same place; see Network.AddBeside.
func (h *Host) Beside(other *Host) bool { return h.site == other.site }
