//go:build linux

package natlab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInterfacesComeAndGo(t *testing.T) {
	l, args := withReflector(t)
	server := reflectorEndpoints(args.Reflector)[0]
	cable, wireless := l.Router("cable", PortRestricted), l.Router("wireless", Symmetric)
	cableLAN, wirelessLAN := cable.LAN("192.168.1.1/24"), wireless.LAN("192.168.1.1/24")
	for _, tc := range []struct {
		name      string
		away      func(*Link)
		back      func(*Link)
		moves     bool // a socket without an address of its own takes the other interface
		renumbers bool
	}{
		{"down", (*Link).Down, (*Link).Up, true, false},
		{"unplugged", (*Link).Unplug, (*Link).Plug, false, false},
		{"removed", (*Link).Remove, nil, true, false},
		{"without an address", (*Link).DropAddress, (*Link).Renumber, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			host := l.Host("h"+tc.name[:2], cableLAN, wirelessLAN)
			link := host.Links[0]
			before := link.Addr()
			asker := startAsker(t, host, server)
			require.Equal(t, cable.Addr(), asker.ask(t).Addr())

			tc.away(link)

			if tc.moves {
				require.Equal(t, wireless.Addr(), asker.ask(t).Addr())
			} else {
				asker.wantNoAnswer(t)
			}
			if tc.back == nil {
				return
			}

			tc.back(link)

			require.Equal(t, cable.Addr(), asker.ask(t).Addr())
			require.Equal(t, tc.renumbers, before != link.Addr())
		})
	}
}
