package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/libgnstest"
	"github.com/gogns/gns/interop/valve"
)

// chats starts processes of Valve's chat program with one library or the other.
type chats struct {
	t       *testing.T
	program string
	port    string
}

func newChats(t *testing.T) chats {
	t.Helper()
	return chats{t: t, program: exampleChat(t), port: freePort(t)}
}

// chatLibrary returns the path of a library for the chat program, without links.
func chatLibrary(t *testing.T, ours bool) string {
	t.Helper()
	path := os.Getenv(valve.EnvLibrary)
	if ours {
		path = libgnstest.Library(t)
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	path, err = filepath.EvalSymlinks(path)
	require.NoError(t, err)
	return path
}

func (c chats) start(ours bool, args ...string) *session {
	c.t.Helper()
	library := chatLibrary(c.t, ours)
	command := append([]string{"LD_LIBRARY_PATH=" + filepath.Dir(library), "stdbuf", "-oL", c.program}, args...)
	return startSession(c.t, "env", command...)
}

func (c chats) server(ours bool) *session {
	c.t.Helper()
	s := c.start(ours, "server", "--port", c.port)
	s.expect("Server listening on port " + c.port)
	requireRunsWith(s, chatLibrary(c.t, ours))
	return s
}

func (c chats) client(ours bool) *session {
	c.t.Helper()
	s := c.start(ours, "client", "127.0.0.1:"+c.port)
	s.expect("Connecting to chat server at 127.0.0.1:" + c.port)
	requireRunsWith(s, chatLibrary(c.t, ours))
	return s
}

// requireRunsWith checks that a session's process has loaded a library and no other of that name. Where the program was built with
// an RPATH instead of a RUNPATH, the environment does not say which library it runs with.
func requireRunsWith(s *session, library string) {
	s.t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", s.cmd.Process.Pid))
	require.NoError(s.t, err)
	loaded := map[string]bool{}
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && strings.Contains(line[i:], "libGameNetworkingSockets") {
			loaded[strings.TrimSpace(line[i:])] = true
		}
	}
	require.Equal(s.t, map[string]bool{library: true}, loaded, "libraries that the chat program has loaded")
}

// requireKilled waits for the end of a process of the chat program, which kills itself when it is done.
func requireKilled(s *session) {
	s.t.Helper()
	require.EqualError(s.t, s.cmd.Wait(), "signal: killed")
}

// noticed is how long it may take until the end of a process is noticed by its peer, which has nothing to send: ten seconds to the
// next sign of life, as many without an answer, and some patience.
const noticed = 40 * time.Second

// chatPairs say which side of a conversation of the chat program runs with our library. Those without it prove the test itself.
var chatPairs = []struct {
	name           string
	server, client bool
}{
	{"ours serves ours", true, true},
	{"ours serves Valve", true, false},
	{"Valve serves ours", false, true},
	{"Valve serves Valve", false, false},
}

// Valve's chat program, which knows nothing of us, runs with our library as it does with Valve's, and with both at once.
func TestLibgnsChat(t *testing.T) {
	t.Parallel()
	for _, p := range chatPairs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			c := newChats(t)
			server := c.server(p.server)

			// The third client has the library that the first two do not have.
			alice := c.client(p.client)
			alice.expect("Welcome, stranger.")
			alice.expect("Thou art utterly alone.")
			alice.say("/nick Alice")
			alice.expect("Ye shall henceforth be known as Alice")
			bob := c.client(p.client)
			bob.expect("Welcome, stranger.")
			assert.Equal(t, "Alice", bob.expect("Alice"), "who was there already")
			alice.expect("Hark!  A stranger hath joined this merry host.")
			bob.say("/nick Bob")
			bob.expect("Ye shall henceforth be known as Bob")
			alice.expect("shall henceforth be known as Bob")
			carol := c.client(!p.client)
			carol.expect("Welcome, stranger.")
			carol.say("/nick Carol")
			bob.expect("shall henceforth be known as Carol")

			// Everybody hears everybody else, in order.
			everybody := map[string]*session{"Alice": alice, "Bob": bob, "Carol": carol}
			lines := []string{"hello", "żółw, 亀, 🐢", strings.Repeat("x", 900), "/nothing", "the end"}
			for name, s := range everybody {
				for _, line := range lines {
					s.say(line)
				}
				for other, heard := range everybody {
					if other == name {
						continue
					}
					for _, line := range lines {
						assert.Equal(t, name+": "+line, heard.expect(name+": "), "what %s heard of %s", other, name)
					}
				}
			}

			alice.say("/quit")
			server.expect("closed by peer, reason 1000: Goodbye")
			bob.expect("Alice hath departed")
			carol.expect("Alice hath departed")
			requireKilled(alice)

			require.NoError(t, bob.cmd.Process.Kill())
			lost := server.expectWithin(noticed, "problem detected locally, reason ")
			assert.Contains(t, lost, "'Bob' problem detected locally, reason 5003:")
			carol.expect("Alas, Bob hath fallen into shadow.")

			server.say("/quit")
			server.expect("Closing connections...")
			requireKilled(server)
			if p.server {
				carol.expect("Server is shutting down.  Goodbye.")
				carol.expect("The host hath bidden us farewell.  (Server Shutdown)")
			} else {
				// Valve's library sends nothing any more once the listen socket is closed.
				carol.expectWithin(noticed, "Alas, troubles beset us; we have lost contact with the host.")
			}
			requireKilled(carol)
		})
	}
}

// A chat client finds out that its server was killed, and that there is none.
func TestLibgnsChatServerIsGone(t *testing.T) {
	t.Parallel()
	for _, p := range chatPairs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			c := newChats(t)
			server := c.server(p.server)
			client := c.client(p.client)
			client.expect("Welcome, stranger.")
			require.NoError(t, server.cmd.Process.Kill())
			_ = server.cmd.Wait()
			late := c.client(p.client)
			client.expectWithin(noticed, "Alas, troubles beset us; we have lost contact with the host.")
			late.expect("We sought the remote host, yet our efforts were met with defeat.")
			requireKilled(client)
			requireKilled(late)
		})
	}
}
