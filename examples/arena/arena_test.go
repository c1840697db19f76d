package arena

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// A server and three bots play over a lossy network. All of them get the map and hear each other; then
// the server shuts down, and everybody is told.
func TestGame(t *testing.T) {
	t.Parallel()
	server, err := NewServer(ServerOptions{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Seed: 1, MapSize: 50 << 10,
		Config: []config.Value{config.Float(config.FakePacketLossSend, 5), config.Int32(config.FakePacketLagSend, 5)},
	})
	require.NoError(t, err)
	ctx, shutdown := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()

	const bots = 3
	var mu sync.Mutex
	heard := make(map[string]map[string]bool) // who heard what
	seen := make(map[string]int)              // how many snapshots who had seen when something was said
	const enough = 15
	played, everybody := make(chan struct{}), make(chan struct{})
	allPlayed := sync.OnceFunc(func() { close(played) })
	var group sync.WaitGroup
	players := make([]*Bot, bots)
	names := make([]string, bots)
	for i := range names {
		names[i] = fmt.Sprint("bot", i+1)
		heard[names[i]] = make(map[string]bool)
	}
	for i, name := range names {
		bot, err := DialBot(t.Context(), server.Addr().String(), name)
		require.NoError(t, err)
		players[i] = bot
		bot.OnEvent = func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Text == "how is it going?" {
				seen[name] = bot.Snapshots
				for _, name := range names {
					if seen[name] <= enough {
						return
					}
				}
				allPlayed()
				return
			}
			if e.Kind == EventJoined || e.Kind == EventSaid {
				heard[name][e.Text] = true
			}
			complete := 0
			for _, what := range heard {
				if len(what) == bots+1 {
					complete++
				}
			}
			if complete == bots && e.Text == "that is all" {
				close(everybody)
			}
		}
		group.Go(func() {
			if err := bot.Run(t.Context()); err != nil {
				t.Error(err)
			}
			if why := bot.conn.Err().(*gns.CloseError); why.Reason != EndShutdown || !why.ByPeer {
				t.Errorf("%s was told %v", name, why)
			}
		})
	}
	patience := time.After(2 * time.Minute)
	for playing := true; playing; { // in real time, half a second or more
		require.NoError(t, players[0].Say("how is it going?"))
		select {
		case <-played:
			playing = false
		case <-time.After(100 * time.Millisecond):
		case <-patience:
			require.Fail(t, "somebody sees too little of the game", "%v", seen)
		}
	}
	require.NoError(t, players[0].Say("that is all"))
	select {
	case <-everybody:
	case <-patience:
		require.Fail(t, "somebody missed something", "%v", heard)
	}
	shutdown()
	require.NoError(t, <-ended)
	group.Wait()
	for _, bot := range players {
		require.True(t, bytes.Equal(server.level, bot.Map), "%s has %d of %d bytes of the map", bot.name, len(bot.Map), len(server.level))
		require.Greater(t, bot.Snapshots, enough, bot.name)
	}
}

// Who does not speak the protocol has to go, and disturbs nobody.
func TestBadPlayers(t *testing.T) {
	t.Parallel()
	for name, message := range map[string][]byte{
		"empty":                    {},
		"unknown kind":             {200},
		"a server's message":       encode(kindWelcome, welcome{}, nil),
		"short input":              {byte(kindInput), 1},
		"says something unknown":   encode(kindSay, nil, []byte("before joining")),
		"more than anybody may":    make([]byte, maxMessage+1),
		"unfinished number of one": {byte(kindInput), 1, 2, 3, 4, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := NewServer(ServerOptions{Listen: netip.MustParseAddrPort("127.0.0.1:0")})
			require.NoError(t, err)
			ctx, shutdown := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- server.Run(ctx) }()
			c, err := gns.Dial(t.Context(), server.Addr().String())
			require.NoError(t, err)
			require.NoError(t, c.Send(message, gns.SendReliable))
			_, err = c.Receive(t.Context())
			var why *gns.CloseError
			require.ErrorAs(t, err, &why)
			require.True(t, why.ByPeer)
			require.False(t, why.Reason.IsAppNormal(), "%v", why)
			shutdown()
			require.NoError(t, <-ended)
		})
	}
}

func TestFullArena(t *testing.T) {
	t.Parallel()
	server, err := NewServer(ServerOptions{Listen: netip.MustParseAddrPort("127.0.0.1:0"), MaxPlayers: 1})
	require.NoError(t, err)
	ctx, shutdown := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	_, err = DialBot(t.Context(), server.Addr().String(), "first")
	require.NoError(t, err)
	_, err = DialBot(t.Context(), server.Addr().String(), "second")
	var why *gns.CloseError
	require.ErrorAs(t, err, &why)
	require.Equal(t, EndFull, int(why.Reason))
	shutdown()
	require.NoError(t, <-ended)
}

func TestWorldIsTheSameForTheSameInputs(t *testing.T) {
	t.Parallel()
	play := func() (all []byte) {
		w := newWorld(3)
		for i := range uint16(10) {
			w.join(i)
		}
		for n := range uint32(500) {
			for i := range uint16(10) {
				w.input(i, input{Number: n + 1, DX: int8(n/40+uint32(i))%3 - 1, DY: int8(n/30+uint32(i))%3 - 1})
			}
			w.step()
			all = append(all, w.snapshot()...)
		}
		return all
	}
	first := play()
	require.Equal(t, first, play())
}

func TestWorldKeepsItsRules(t *testing.T) {
	t.Parallel()
	w := newWorld(4)
	w.join(1)
	p := w.players[1]
	p.at = point{5, 500}
	w.coins[0] = point{0, 500}
	w.input(1, input{Number: 2, DX: -100})
	require.Equal(t, []uint16{1}, w.step(), "the coin was found")
	require.Equal(t, point{0, 500}, p.at, "at full speed, and not beyond the wall")
	w.input(1, input{Number: 1, DX: 1})
	w.step()
	require.Equal(t, point{0, 500}, p.at, "an old input means nothing")
	w.input(1, input{Number: 3, DX: 1})
	w.step()
	require.Equal(t, point{speed, 500}, p.at)
}
