package interop

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/libgnstest"
	"github.com/gogns/gns/interop/p2ptest"
	"github.com/gogns/gns/interop/valve"
)

// Kinds of libraries that programs in C and C++ run with.
const (
	libgns   = "libgns" // ../cmd/libgns
	valveLib = "valve"
)

// libraryOf returns the file of a library.
func libraryOf(t *testing.T, kind string) string {
	t.Helper()
	if kind == libgns {
		return libgnstest.Library(t)
	}
	path, err := filepath.Abs(os.Getenv(valve.EnvLibrary))
	require.NoError(t, err)
	require.FileExists(t, path, valve.EnvLibrary)
	return path
}

// user is a process of testdata/libgns/sessions.cpp.
type user struct {
	t     *testing.T
	name  string // identity
	kind  string
	input io.Writer
	kill  func()

	mu    sync.Mutex
	news  chan struct{} // closed and replaced with each line, and at the end
	lines [][]string    // nobody has asked for, as words
	ended bool
}

// users are two on one private network, whose signals the test carries.
type users struct{ alice, bob *user }

func (p userPair) start(t *testing.T, program string, args ...string) users {
	t.Helper()
	n := p2ptest.NewNetwork(t)
	u := users{
		alice: startUser(t, n, program, alice, p.alice, args),
		bob:   startUser(t, n, program, bob, p.bob, args),
	}
	carry := func(from, to *user) {
		for {
			line, ok := from.next("signal", func() bool { return false })
			if !ok {
				return
			}
			if line[1] == to.name {
				to.do("signal " + line[2])
			}
		}
	}
	go carry(u.alice, u.bob)
	go carry(u.bob, u.alice)
	return u
}

func startUser(t *testing.T, n *p2ptest.Network, program, name, kind string, args []string) *user {
	t.Helper()
	u := &user{t: t, name: name, kind: kind, news: make(chan struct{})}
	command := n.Command(program, append([]string{name}, args...)...)
	command.Env = libgnstest.Environment(libraryOf(t, kind))
	var err error
	u.input, err = command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	debug := new(strings.Builder) // nobody reads it before the process has ended
	command.Stderr = debug
	require.NoError(t, command.Start())
	var transcript []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(output)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			transcript = append(transcript, lines.Text())
			u.change(func() { u.lines = append(u.lines, strings.Fields(lines.Text())) })
		}
		u.change(func() { u.ended = true })
	}()
	u.kill = func() { _ = command.Process.Kill() }
	t.Cleanup(func() {
		u.kill()
		<-done
		_ = command.Wait()
		if t.Failed() {
			t.Logf("%s, %s:\n%s\n%s", name, kind, strings.Join(transcript, "\n"), debug)
		}
	})
	u.hear("ready")
	return u
}

func (u *user) change(f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f()
	close(u.news)
	u.news = make(chan struct{})
}

// next returns the first line that begins with a word and that nobody has got yet. It waits until there is one, the process has ended or
// over says that it is enough.
func (u *user) next(word string, over func() bool) (line []string, ok bool) {
	for {
		u.mu.Lock()
		for i, line := range u.lines {
			if line[0] == word {
				u.lines = append(u.lines[:i], u.lines[i+1:]...)
				u.mu.Unlock()
				return line, true
			}
		}
		ended, news := u.ended, u.news
		u.mu.Unlock()
		if ended || over() {
			return nil, false
		}
		select {
		case <-news:
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// hearWithin returns the rest of the next line of a kind, as words.
func (u *user) hearWithin(word string, d time.Duration) []string {
	u.t.Helper()
	deadline := time.Now().Add(d)
	line, ok := u.next(word, func() bool { return time.Now().After(deadline) })
	if !ok {
		u.t.Fatalf("%s (%s) says nothing of %q", u.name, u.kind, word)
	}
	return line[1:]
}

func (u *user) hear(word string) []string {
	u.t.Helper()
	return u.hearWithin(word, userTime)
}

// userTime is how long anything may take that happens at once, on a busy machine.
const userTime = 20 * time.Second

// silent requires that there was no line of a kind.
func (u *user) silent(word string) {
	u.t.Helper()
	line, ok := u.next(word, func() bool { return true })
	require.False(u.t, ok, "%s (%s): %v", u.name, u.kind, line)
}

// do gives a command.
func (u *user) do(command string) {
	_, _ = io.WriteString(u.input, command+"\n") // a process that is gone does not hear it
}

// call gives a command that has a result.
func (u *user) call(format string, args ...any) int {
	u.t.Helper()
	u.do(fmt.Sprintf(format, args...))
	result, err := strconv.Atoi(u.hear("result")[0])
	require.NoError(u.t, err)
	return result
}

// say sends a message to the other.
func (u *user) say(to *user, channel, flags int, text string) {
	u.t.Helper()
	require.Equal(u.t, 1, u.call("say %s %d %d %d %s", to.name, channel, flags, len(text), text))
}

// requireHeard requires that the next message on any channel is this one.
func (u *user) requireHeard(from *user, channel, flags int, text string) {
	u.t.Helper()
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, text)
	want := fmt.Sprint(channel, " ", from.name, " ", flags, " ", len(text), " ", sum.Sum64(), " ", 0) // from no connection
	require.Equal(u.t, want, strings.Join(u.hear("heard"), " "), "%s (%s) hears %.40q", u.name, u.kind, text)
}

// info is what GetSessionConnectionInfo tells.
type info struct {
	state            int
	identity         string
	infoState        int
	reason           int
	listen           string
	quickStatusState int
}

func (u *user) info(of *user) info {
	u.t.Helper()
	u.do("info " + of.name)
	var i info
	_, err := fmt.Sscan(strings.Join(u.hear("info"), " "), &i.state, &i.identity, &i.infoState, &i.reason, &i.listen, &i.quickStatusState)
	require.NoError(u.t, err)
	return i
}

// waitState waits until the session is in a state.
func (u *user) waitState(of *user, state int, d time.Duration) {
	u.t.Helper()
	for deadline := time.Now().Add(d); u.info(of).state != state; time.Sleep(20 * time.Millisecond) {
		require.True(u.t, time.Now().Before(deadline), "%s (%s): session with %s is not in state %d", u.name, u.kind, of.name, state)
	}
}

// noSession is what info is without one.
var noSession = info{identity: "invalid", listen: "0"}

// part ends both processes. Every signaling object is released then, and our library has not found itself misused.
func (u users) part(t *testing.T) {
	t.Helper()
	for _, who := range []*user{u.alice, u.bob} {
		who.silent("unknown")
		who.do("quit")
		left := who.hear("left")
		require.Equal(t, "0", left[0], "signaling objects of %s (%s)", who.name, who.kind)
		if who.kind == libgns {
			require.Equal(t, "0", left[2], "bugs of %s", who.name)
			who.silent("status") // of connections that nobody has made
		}
	}
}
