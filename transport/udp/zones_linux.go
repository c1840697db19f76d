package udp

import (
	"net"
	"strconv"
	"sync"
)

// zones are the interfaces of link-local addresses, which system calls know by number and netip by name. They are
// remembered, because to ask the system is slow.
type zones struct {
	mu      sync.Mutex
	names   map[uint32]string
	indexes map[string]uint32
}

// maxZones bounds what is remembered; hosts have few interfaces.
const maxZones = 64

// name returns the name of an interface, or its number if it has no name.
func (z *zones) name(index uint32) string {
	z.mu.Lock()
	defer z.mu.Unlock()
	if name, ok := z.names[index]; ok {
		return name
	}
	name := strconv.FormatUint(uint64(index), 10)
	if ifi, err := net.InterfaceByIndex(int(index)); err == nil {
		name = ifi.Name
	}
	z.remember(index, name)
	return name
}

// index returns the number of an interface; 0 if there is none with this name.
func (z *zones) index(name string) uint32 {
	z.mu.Lock()
	defer z.mu.Unlock()
	if index, ok := z.indexes[name]; ok {
		return index
	}
	n, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		ifi, err := net.InterfaceByName(name)
		if err != nil {
			return 0
		}
		n = uint64(ifi.Index)
	}
	z.remember(uint32(n), name)
	return uint32(n)
}

// remember enters a pair. z.mu is held.
func (z *zones) remember(index uint32, name string) {
	if z.names == nil || len(z.names) >= maxZones || len(z.indexes) >= maxZones {
		z.names, z.indexes = make(map[uint32]string), make(map[string]uint32)
	}
	z.names[index], z.indexes[name] = name, index
}
