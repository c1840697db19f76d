package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// identities has one of each kind. anonymous peers are known to the other side by their address.
var identities = []struct{ name, text string }{
	{"anonymous", ""},
	{"string", "str:somebody"},
	{"bytes", "gen:00ff7f80a5"},
	{"SteamID", "steamid:76561197960287930"},
	{"IP address", "ip:192.0.2.7:27015"},
}

// Each side learns the identity that the other side was started with. Every kind of identity listens
// once and connects once.
func TestIdentities(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		for i, listens := range identities {
			connects := identities[(i+1)%len(identities)]
			t.Run(fmt.Sprintf("%s listens, %s connects", listens.name, connects.name), func(t *testing.T) {
				t.Parallel()
				server, client := p.start(t, peer.Options{}, func(l, c *peer.Options) {
					l.Identity, c.Identity = listens.text, connects.text
				})
				for _, ip := range []string{"127.0.0.1", "::1"} {
					link := connect(t, server, client, mustAddr(ip))
					requireIdentity(t, connects.text, link.in)
					requireIdentity(t, listens.text, link.out)
				}
			})
		}
	})
}

// requireIdentity checks what one end of a connection takes the other for.
func requireIdentity(t *testing.T, want string, c *peer.Conn) {
	t.Helper()
	info := c.Info()
	if want == "" {
		want = "ip:" + info.Addr.String()
	}
	require.Equal(t, want, info.Identity)
	events := c.States()
	require.Equal(t, want, events[len(events)-1].Info.Identity, "in the callback for %v", events[len(events)-1].Info.State)
}
