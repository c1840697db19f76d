package luasteam

import (
	"hash/fnv"

	lua "github.com/yuin/gopher-lua"
)

// Parts of a SteamID: an individual account of the public universe, as it appears in a desktop session.
const (
	individualAccount = 1<<56 | 1<<52 | 1<<32 // universe, type of account, instance
	// firstMadeUp begins the upper eighth of account numbers, which is far from what Steam has given away.
	firstMadeUp = 0xe0000000
)

// MadeUpSteamID returns a SteamID that looks like that of a person and, by all we know of how Steam
// numbers accounts, is nobody's. The same seed always gives the same one.
func MadeUpSteamID(seed string) uint64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte("gns made-up SteamID\x00" + seed))
	return individualAccount | firstMadeUp | uint64(h.Sum32())
}

// getSteamID is Steam.user.getSteamID.
func (m *Module) getSteamID(a args) int { return m.pushUint64(a, m.opts.SteamID) }

// getIdentity is Steam.networkingSockets.getIdentity: the SteamID that peers see, nil if they see another
// kind of identity.
func (m *Module) getIdentity(a args) int {
	if id, known := m.sockets(a).Identity(); known {
		if x, ok := id.SteamID(); ok {
			return m.pushUint64(a, uint64(x))
		}
	}
	a.Push(lua.LNil)
	return 1
}

// initAuthentication is Steam.networkingSockets.initAuthentication.
func (m *Module) initAuthentication(a args) int {
	a.Push(lua.LNumber(m.sockets(a).InitAuthentication()))
	return 1
}

// getAuthenticationStatus is Steam.networkingSockets.getAuthenticationStatus.
func (m *Module) getAuthenticationStatus(a args) int {
	status, text := m.sockets(a).AuthenticationStatus()
	a.Push(lua.LNumber(status))
	a.Push(lua.LString(text))
	return 2
}
