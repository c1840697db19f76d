package gns_test

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// logBook keeps what is logged, one line per record, without what differs from run to run.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

var handles = regexp.MustCompile(`#\d+|listen_socket=\d+`)

// lines returns what was logged since the last call.
func (b *logBook) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := handles.ReplaceAllString(strings.TrimSpace(b.buf.String()), "#")
	b.buf.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func (b *logBook) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func TestLoggingByLevel(t *testing.T) {
	inVirtualTime(t, 30, func(t *testing.T, w *world) {
		var info, debug logBook
		client, server := w.machine(), w.machine()
		w.path(client, server, lag(10*time.Millisecond))
		s := w.open(server, gns.Options{Logger: info.logger(slog.LevelInfo)})
		c := w.open(client, gns.Options{Logger: debug.logger(slog.LevelDebug)})

		l, err := gns.Listen("192.0.2.2:27015", gns.WithSockets(s))
		require.NoError(t, err)
		require.Equal(t, []string{`level=INFO msg=listening # addr=192.0.2.2:27015`}, info.lines())

		require.NoError(t, c.SetConfig(config.Global, 0, config.Int32(config.NagleTime, 100)))
		require.Equal(t, []string{`level=DEBUG msg="configuration changed" scope=Global object=0 value="NagleTime=100"`},
			debug.lines())

		go func() {
			accepted, err := l.Accept(w.ctx)
			if err != nil {
				t.Error(err)
				return
			}
			m, err := accepted.Receive(w.ctx)
			if err != nil {
				t.Error(err)
				return
			}
			m.Release()
			<-accepted.Done()
			_ = accepted.CloseWithReason(0, "", false)
		}()
		conn, err := w.dial(c, server)
		require.NoError(t, err)
		require.NoError(t, conn.Send([]byte("hello"), gns.SendReliable))
		require.NoError(t, conn.Shutdown(w.ctx, 1005, "good night"))
		require.NoError(t, c.Drain(w.ctx))
		time.Sleep(10 * time.Second)
		require.NoError(t, l.Close())

		require.Equal(t, []string{
			`level=INFO msg="connection state changed" conn="# UDP 192.0.2.1:49152" from=None to=Connecting`,
			`level=INFO msg="connection state changed" conn="# UDP 192.0.2.1:49152" from=Connecting to=Connected`,
			`level=INFO msg="connection state changed" conn="# UDP 192.0.2.1:49152" from=Connected to=ClosedByPeer reason=App(1005) debug="good night"`,
			`level=INFO msg="connection state changed" conn="# UDP 192.0.2.1:49152" from=ClosedByPeer to=None reason=App(1005) debug="good night"`,
			`level=INFO msg="stopped listening" # addr=192.0.2.2:27015`,
		}, info.lines())

		got := debug.lines()
		require.Contains(t, got[0], `level=DEBUG msg="UDP socket open" addr=`)
		last := got[len(got)-2:]
		require.Regexp(t, `^level=DEBUG msg="connection gone" conn=".*" packets_sent=\d+ packets_received=\d+ bytes_sent=\d+ bytes_received=\d+ `+
			`messages_sent=1 messages_received=0 packets_missed=0 packets_dropped=0$`, last[0])
		require.Contains(t, last[1], `level=DEBUG msg="UDP socket closed" addr=`)
		require.Less(t, len(got), 10, "nothing is logged per packet, even at debug level: %q", got)
	})
}

func TestLogOfAConnectionThatNobodyAccepts(t *testing.T) {
	inVirtualTime(t, 31, func(t *testing.T, w *world) {
		var log logBook
		client, server := w.machine(), w.machine()
		s := w.open(server, gns.Options{Logger: log.logger(slog.LevelWarn)})
		_, err := gns.Listen(":27015", gns.WithSockets(s), gns.WithConfig(config.Int32(config.TimeoutInitial, 5000)))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		_, err = gns.Dial(ctx, "192.0.2.2:27015", gns.WithSockets(w.open(client, gns.Options{})))
		require.Error(t, err)
		lines := log.lines()
		require.NotEmpty(t, lines)
		require.Contains(t, lines[0], `level=WARN msg="connection was not accepted in time" conn="# UDP 192.0.2.1:49152"`)
	})
}

func TestLogOfTURNListsThatDoNotFit(t *testing.T) {
	inVirtualTime(t, 32, func(t *testing.T, w *world) {
		var log logBook
		m := w.machine()
		s := w.open(m, gns.Options{
			Identity: gns.GenericString("alice"), ICE: &simICE{w: w, m: m}, Signaling: newPostOffice(), Logger: log.logger(slog.LevelWarn),
		})
		_, err := s.ConnectP2P(gns.GenericString("bob"), 0, config.String(config.P2PTURNServerList, "a:1,b:2"), config.String(config.P2PTURNUserList, "u"))
		require.NoError(t, err)
		require.Equal(t, []string{`level=WARN msg="TURN servers are asked without users and passwords, whose lists have other lengths" ` +
			`conn="# P2P str:bob vport 0" servers=2 users=1 passwords=0`}, log.lines())
	})
}
