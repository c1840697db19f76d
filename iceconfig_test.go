package gns

import (
	"testing"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/p2p"
	"github.com/stretchr/testify/require"
)

func TestTURNLists(t *testing.T) {
	t.Parallel()
	bare := []p2p.TURNServer{{Address: "a:1"}, {Address: "b:2"}}
	for name, tt := range map[string]struct {
		servers, users, passwords string
		want                      []p2p.TURNServer
		mistaken                  bool
	}{
		"none":               {},
		"without users":      {servers: "a:1,b:2", want: bare},
		"with users":         {"turn:a:1, b:2", "u,v", "p, q", []p2p.TURNServer{{Address: "a:1", User: "u", Password: "p"}, {Address: "b:2", User: "v", Password: "q"}}, false},
		"empty entries":      {"a:1,b:2", "u,", "p,", []p2p.TURNServer{{Address: "a:1", User: "u", Password: "p"}, {Address: "b:2"}}, false},
		"one user":           {"a:1,b:2", "u", "p", bare, true},
		"too many users":     {"a:1,b:2", "u,v,w", "p,q,r", bare, true},
		"no passwords":       {"a:1,b:2", "u,v", "", bare, true},
		"no users":           {"a:1,b:2", "", "p,q", bare, true},
		"users, no servers":  {"", "u,v", "p,q", nil, false},
		"one password fewer": {"a:1,b:2", "u,v", "p", bare, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := New(&Options{})
			require.NoError(t, err)
			defer func() { _ = s.Close() }()
			store := config.NewStore(config.Connection, s.iface)
			for v, text := range map[config.ID]string{
				config.P2PTURNServerList: tt.servers, config.P2PTURNUserList: tt.users, config.P2PTURNPassList: tt.passwords,
			} {
				require.NoError(t, store.Set(config.String(v, text)))
			}
			_, _, turn, err := s.iceConfig(store)
			require.NoError(t, err)
			require.Equal(t, tt.want, turn)
			require.Equal(t, tt.mistaken, turnLists(store).mistaken())
		})
	}
}
