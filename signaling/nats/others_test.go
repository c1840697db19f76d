package nats

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// runOther runs a server of NATS as it is.
func runOther(t *testing.T, o *server.Options) *server.Server {
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	require.True(t, s.ReadyForConnections(patience))
	return s
}

func TestPermissionsConfiguredElsewhere(t *testing.T) {
	t.Parallel()
	users := ""
	for _, id := range []crypto.Identity{alice, bob} {
		p, err := PermissionsFor(id, "")
		require.NoError(t, err)
		users += fmt.Sprintf("{user: %q, password: secret, %v}\n", id, p)
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	config := "listen: \"127.0.0.1:-1\"\nmax_payload: 16384\nauthorization {users: [\n" + users + "]}\n"
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	o, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	there := runOther(t, o).ClientURL()
	as := func(user string) Options {
		return Options{URL: there, NATS: []natsgo.Option{natsgo.UserInfo(user, "secret")}}
	}
	forAlice, forBob := as("str:alice"), as("str:bob")

	a, b := join(t, forAlice, alice), join(t, forBob, bob)
	a.send(bob, "hello")
	b.want(alice, "hello")
	a.send(carol, "hello")
	a.wantEvent(event{who: carol, unreachable: true})

	liar := join(t, forBob, carol) // with the password of bob
	liar.send(alice, "believe me")
	b.send(alice, "what does carol say?")
	a.want(bob, "what does carol say?")
	require.Zero(t, liar.Stats().Received)
}

func TestCluster(t *testing.T) {
	t.Parallel()
	first := runOther(t, &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT},
	})
	route := &url.URL{Scheme: "nats", Host: first.ClusterAddr().String()}
	second := runOther(t, &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Routes: []*url.URL{route},
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT},
	})
	require.Eventually(t, func() bool { return first.NumRoutes() > 0 && second.NumRoutes() > 0 }, patience, time.Millisecond)
	a, b := join(t, Options{URL: first.ClientURL()}, alice), join(t, Options{URL: second.ClientURL()}, bob)
	require.Eventually(t, func() bool { // once the one server knows of what the other has
		a.send(bob, "hello")
		return b.Stats().Received > 0
	}, patience, 10*time.Millisecond)
	before := a.Stats().Unreachable
	a.send(carol, "anybody?")
	a.wantStats(func(s Stats) bool { return s.Unreachable > before })

	second.Shutdown()
	second.WaitForShutdown()
	b.wantStats(func(s Stats) bool { return s.Connects >= 2 && s.Connected }) // the servers told it of each other
	received := b.Stats().Received
	a.send(bob, "over there?")
	b.wantStats(func(s Stats) bool { return s.Received > received })
}
