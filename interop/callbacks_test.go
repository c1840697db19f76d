package interop

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// situation is something that connections go through, and each side gets status changes for.
type situation struct {
	name string
	// run plays it. What is left at its end has to be closed by the application; that is part of it.
	run func(s *stage)
}

// stage is where a situation is played.
type stage struct {
	t              *testing.T
	pair           pair
	server, client *peer.Peer

	listener *peer.Listener
	in, out  *peer.Conn
	calls    [2][]string // by role: what calls said that need not succeed
}

// The two roles.
const (
	listening = iota
	connecting
)

// ownServer takes the place of the server that situations share: it may be ended and configured.
func (s *stage) ownServer(identity string) {
	s.server = peer.Start(s.t, peer.Options{Kind: s.pair.listens, Name: string(s.pair.listens) + " own listener", Identity: identity, Manual: true})
}

// ownClient takes the place of the client that situations share.
func (s *stage) ownClient(identity string) {
	s.client = peer.Start(s.t, peer.Options{Kind: s.pair.connects, Name: string(s.pair.connects) + " own client", Identity: identity, Manual: true})
}

// pending brings the connection to where it waits to be accepted.
func (s *stage) pending(listens, connects []string) {
	s.listener = s.server.Listen(ipv4, listens...)
	s.out = s.client.Connect(s.listener.Addr, connects...)
	s.in = s.listener.Accepted()
}

// connected brings it to where both sides are connected.
func (s *stage) connected(listens, connects []string) {
	s.pending(listens, connects)
	require.NoError(s.t, s.in.Accept())
	s.in.WaitState(peer.Connected)
	s.out.WaitState(peer.Connected)
}

// accept accepts, which may fail.
func (s *stage) accept() {
	s.calls[listening] = append(s.calls[listening], fmt.Sprint("AcceptConnection: ", s.in.Accept()))
}

// closeEnded waits until a connection has ended by itself, and closes it as every application has to.
func closeEnded(conns ...*peer.Conn) {
	for _, c := range conns {
		c.WaitEnd()
		c.Close(1111, "this reason comes too late", false)
		c.WaitState(peer.None)
	}
}

// closed is a situation in which one side closes the established connection.
func closed(role int, reason int, text string, linger bool) func(*stage) {
	return func(s *stage) {
		s.connected(nil, nil)
		closer, other := s.in, s.out
		if role == connecting {
			closer, other = other, closer
		}
		if linger {
			_, err := closer.SendContent(0, peer.Reliable, 1, 100_000)
			require.NoError(s.t, err)
		}
		closer.Close(reason, text, linger)
		closer.WaitState(peer.None)
		closeEnded(other)
	}
}

// Limits of time that make situations short.
const (
	soonGivenUp     = "TimeoutInitial=2000"
	soonLost        = "TimeoutConnected=500"
	giveUpLater     = "TimeoutInitial=60000"
	requireCert     = "IP_AllowWithoutAuth=0"
	requireCertHere = "IPLocalHost_AllowWithoutAuth=0"
)

var situations = []situation{
	{"the client closes", closed(connecting, 1001, "done", false)},
	{"the listener closes", closed(listening, 1001, "done", false)},
	{"the client closes with linger", closed(connecting, 1002, "done in a while", true)},
	{"the listener closes with linger", closed(listening, 1002, "done in a while", true)},
	{"closing without reason and text", closed(connecting, 0, "", false)},
	{"closing exceptionally without text", closed(listening, 2001, "", false)},
	{"closing with a reason that is none", closed(connecting, 4002, "hm", false)},
	{"without identities", func(s *stage) {
		s.ownServer("")
		s.ownClient("")
		s.connected(nil, nil)
		s.out.Close(1001, "done", false)
		s.out.WaitState(peer.None)
		closeEnded(s.in)
	}},

	{"the listener refuses", func(s *stage) {
		s.pending(nil, nil)
		s.in.Close(1234, "the house is full", false)
		s.in.WaitState(peer.None)
		closeEnded(s.out)
	}},
	{"the listener refuses with linger", func(s *stage) {
		s.pending(nil, nil)
		s.in.Close(1234, "the house is full", true) // there is nothing to linger for
		s.in.WaitState(peer.None)
		closeEnded(s.out)
	}},
	{"the client gives up", func(s *stage) {
		s.pending(nil, nil)
		s.out.Close(1001, "changed my mind", false)
		s.out.WaitState(peer.None)
		closeEnded(s.in)
	}},
	{"the client gives up where nobody listens", func(s *stage) {
		s.listener = s.server.Listen(ipv4)
		s.listener.Close()
		s.out = s.client.Connect(s.listener.Addr)
		s.out.Close(1001, "changed my mind", false)
		s.out.WaitState(peer.None)
	}},
	{"nobody listens", func(s *stage) {
		s.listener = s.server.Listen(ipv4)
		s.listener.Close()
		s.out = s.client.Connect(s.listener.Addr, soonGivenUp)
		closeEnded(s.out)
	}},
	{"not accepted in time, the listener's limit", func(s *stage) {
		s.pending([]string{soonGivenUp}, []string{giveUpLater})
		closeEnded(s.in, s.out)
	}},
	{"not accepted in time, the client's limit", func(s *stage) {
		s.pending([]string{giveUpLater}, []string{soonGivenUp})
		closeEnded(s.out, s.in)
	}},

	{"the client vanishes", func(s *stage) {
		s.ownClient("str:client")
		s.connected([]string{soonLost}, []string{soonLost})
		s.client.Kill()
		_, err := s.in.SendContent(0, peer.Reliable, 1, 1000)
		require.NoError(s.t, err)
		closeEnded(s.in)
	}},
	{"the listener vanishes", func(s *stage) {
		s.ownServer("str:listener")
		s.connected([]string{soonLost}, []string{soonLost})
		s.server.Kill()
		_, err := s.out.SendContent(0, peer.Reliable, 1, 1000)
		require.NoError(s.t, err)
		closeEnded(s.out)
	}},
	{"the client vanishes before it is accepted", func(s *stage) {
		s.ownClient("str:client")
		s.pending([]string{soonGivenUp}, nil)
		s.client.Kill()
		closeEnded(s.in)
	}},

	{"the listen socket is closed, connection not accepted", func(s *stage) {
		s.pending(nil, []string{soonGivenUp})
		s.listener.Close()
		s.in.WaitState(peer.None)
		closeEnded(s.out)
	}},
	{"the listen socket is closed, connection established", func(s *stage) {
		s.connected([]string{soonLost}, []string{soonLost})
		s.listener.Close()
		s.in.WaitState(peer.None)
		_, _ = s.out.SendContent(0, peer.Reliable, 1, 1000) // it may have ended already
		closeEnded(s.out)
	}},

	{"the listening library shuts down", func(s *stage) {
		s.ownServer("str:listener")
		s.connected(nil, nil)
		s.server.Exit()
		closeEnded(s.out)
	}},
	{"the listening library shuts down, connection not accepted", func(s *stage) {
		s.ownServer("str:listener")
		s.pending(nil, nil)
		s.server.Exit()
		closeEnded(s.out)
	}},
	{"the connecting library shuts down", func(s *stage) {
		s.ownClient("str:client")
		s.connected(nil, nil)
		s.client.Exit()
		closeEnded(s.in)
	}},
	{"the connecting library shuts down, connection not accepted", func(s *stage) {
		s.ownClient("str:client")
		s.pending(nil, nil)
		s.client.Exit()
		closeEnded(s.in)
	}},

	{"the client wants no encryption, the listener does", func(s *stage) {
		s.pending(nil, []string{"Unencrypted=3"})
		s.accept()
		closeEnded(s.in, s.out)
	}},
	{"the listener wants no encryption, the client does", func(s *stage) {
		s.pending([]string{"Unencrypted=3"}, nil)
		s.accept()
		closeEnded(s.in, s.out)
	}},
	{"no encryption", func(s *stage) {
		s.connected([]string{"Unencrypted=3"}, []string{"Unencrypted=3"})
		s.out.Close(1001, "done", false)
		s.out.WaitState(peer.None)
		closeEnded(s.in)
	}},
	{"the client requires authentication", func(s *stage) {
		s.listener = s.server.Listen(ipv4)
		var err error
		s.out, err = s.client.TryConnect(s.listener.Addr, requireCert, requireCertHere, soonGivenUp)
		s.calls[connecting] = append(s.calls[connecting], fmt.Sprint("ConnectByIPAddress fails: ", err != nil))
		if err == nil {
			closeEnded(s.out)
		}
	}},
	{"the listener requires authentication", func(s *stage) {
		s.ownServer("str:listener")
		s.listener = s.server.Listen(ipv4)
		s.server.SetConfig(requireCert) // with it, a listen socket could not be made
		s.server.SetConfig(requireCertHere)
		s.out = s.client.Connect(s.listener.Addr, soonGivenUp)
		closeEnded(s.out)
	}},
	{"the listener requires authentication too late", func(s *stage) {
		s.pending(nil, nil)
		s.in.SetConfig(requireCert)
		s.in.SetConfig(requireCertHere)
		s.accept()
		s.in.Close(1001, "done", false)
		s.in.WaitState(peer.None)
		closeEnded(s.out)
	}},

	{"a message is too large for the listener", func(s *stage) {
		s.connected([]string{"RecvMaxMessageSize=100"}, nil)
		_, err := s.out.SendContent(0, peer.Reliable|peer.NoNagle, 1, 101)
		require.NoError(s.t, err)
		closeEnded(s.in, s.out)
	}},
	{"a message is too large for the client", func(s *stage) {
		s.connected(nil, []string{"RecvMaxMessageSize=100"})
		_, err := s.in.SendContent(0, peer.Reliable|peer.NoNagle, 1, 101)
		require.NoError(s.t, err)
		closeEnded(s.out, s.in)
	}},
}

// ownWords are the texts that this module has where Valve's library has others. Texts are for people: what
// a program decides by is the reason.
var ownWords = []struct{ ours, valve string }{
	{"closed by application", "Application closed connection"},
	{"closed by application in an unusual way", "Application closed connection in an unusual way"},
	{"application passed an end reason outside 1000...2999", "Invalid numeric reason code"},
	{"timed out attempting to connect", "Timed out attempting to connect"},
	{"timed out waiting for the application to accept", "App didn't accept or close incoming connection in time."},
	{"connection dropped: peer stopped answering", "Connection dropped"},
	{"shutdown", "SteamNetworkingSockets shutdown"},
	{"crypto handshake: cipher: no cipher in common: peer has [NULL], we allow [AES_256_GCM]", "Failed to negotiate mutually-agreeable cipher"},
	{"crypto handshake: cipher: no cipher in common: peer has [AES_256_GCM], we allow [NULL]", "Failed to negotiate mutually-agreeable cipher"},
	{"snp: reliable message header: size 101 exceeds the limit for messages received", "Reliable message size too large.  (3<<5 + 5)"},
}

// callbackDifferences are the differences that are on purpose: where this module has the role cause, the
// line of role that begins like valve begins like ours instead, or is missing if that is empty.
var callbackDifferences = []struct {
	why         string
	situation   string
	cause, role int
	valve, ours string
}{
	{
		"why the connections of a closed listen socket end is told",
		"the listen socket is closed, connection not accepted", listening, listening,
		`Connecting→None, reason 0 ""`, `Connecting→None, reason 1000 "listen socket closed"`,
	},
	{
		"why the connections of a closed listen socket end is told",
		"the listen socket is closed, connection established", listening, listening,
		`Connected→None, reason 0 ""`, `Connected→None, reason 1000 "listen socket closed"`,
	},
	{
		"peers are told that the listen socket is closed, instead of being left to their timeouts",
		"the listen socket is closed, connection not accepted", listening, connecting,
		`Connecting→ProblemDetectedLocally, reason 5003 "Timed out attempting to connect"`, `Connecting→ClosedByPeer, reason 1000 "listen socket closed"`,
	},
	{
		"as before: the last change repeats the reason",
		"the listen socket is closed, connection not accepted", listening, connecting,
		`ProblemDetectedLocally→None, reason 5003 "Timed out attempting to connect"`, `ClosedByPeer→None, reason 1000 "listen socket closed"`,
	},
	{
		"peers are told that the listen socket is closed, instead of being left to their timeouts",
		"the listen socket is closed, connection established", listening, connecting,
		`Connected→ProblemDetectedLocally, reason 5003 "Connection dropped"`, `Connected→ClosedByPeer, reason 1000 "listen socket closed"`,
	},
	{
		"as before: the last change repeats the reason",
		"the listen socket is closed, connection established", listening, connecting,
		`ProblemDetectedLocally→None, reason 5003 "Connection dropped"`, `ClosedByPeer→None, reason 1000 "listen socket closed"`,
	},
	{
		"a client that is refused for want of authentication is told, instead of being left to its timeout",
		"the listener requires authentication", listening, connecting,
		`Connecting→ProblemDetectedLocally, reason 5003 "Timed out attempting to connect"`,
		`Connecting→ClosedByPeer, reason 4003 "crypto handshake: unsigned certificate: certificate of str:client is not signed by an authority"`,
	},
	{
		"as before: the last change repeats the reason",
		"the listener requires authentication", listening, connecting,
		`ProblemDetectedLocally→None, reason 5003 "Timed out attempting to connect"`,
		`ClosedByPeer→None, reason 4003 "crypto handshake: unsigned certificate: certificate of str:client is not signed by an authority"`,
	},
	{
		"a connection that cannot be authenticated is refused with an error that says so",
		"the client requires authentication", connecting, connecting,
		"ConnectByIPAddress fails: false", "ConnectByIPAddress fails: true",
	},
	{
		"what was not begun does not change; Valve's library also finds itself in an unexpected state",
		"the client requires authentication", connecting, connecting,
		`None→Connecting, reason 5002 "Need a cert authority!"`, "",
	},
	{
		"what was not begun does not end",
		"the client requires authentication", connecting, connecting,
		`Connecting→ProblemDetectedLocally, reason 5002 "Need a cert authority!"`, "",
	},
	{
		"what was not begun needs no closing",
		"the client requires authentication", connecting, connecting,
		`ProblemDetectedLocally→None, reason 5002 "Need a cert authority!"`, "",
	},
}

// account is what one side of a situation was told, line by line.
type account []string

var descriptionID = regexp.MustCompile(`^#\d+`)

// told takes down what a role was told, without what differs from run to run: the ports of both sides get
// names, IDs are left out.
func (s *stage) told(role int) account {
	a := append(account{}, s.calls[role]...)
	c := s.in
	if role == connecting {
		c = s.out
	}
	if c == nil {
		return a
	}
	for _, e := range c.States() {
		i := e.Info
		port := "client"
		if i.Addr == s.listener.Addr {
			port = "listener"
		}
		named := func(text string) string {
			return strings.ReplaceAll(text, i.Addr.String(), i.Addr.Addr().String()+":"+port)
		}
		listen := "no listen socket"
		if i.Listen != 0 {
			listen = "listen socket"
		}
		a = append(a, fmt.Sprintf("%v→%v, reason %d %q, %s, flags %d, peer %s at %s, %s",
			e.Old, i.State, i.EndReason, i.EndDebug, listen, i.Flags,
			named(i.Identity), named(i.Addr.String()), named(descriptionID.ReplaceAllString(i.Description, "#ID"))))
	}
	return a
}

// cast is a pair of implementations in a situation.
type cast struct {
	situation string
	pair      pair
}

// TestCallbacks compares the status changes of both roles, for every combination of implementations, with
// those that two of Valve's libraries get.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	accounts := map[cast][2]account{}
	t.Run("situations", func(t *testing.T) {
		for _, p := range pairs {
			t.Run(strings.ReplaceAll(p.String(), ", ", "+"), func(t *testing.T) {
				t.Parallel()
				server, client := p.start(t, peer.Options{Manual: true}, func(listens, connects *peer.Options) {
					listens.Identity, connects.Identity = "str:listener", "str:client"
				})
				for _, row := range situations {
					t.Run(row.name, func(t *testing.T) {
						t.Parallel()
						s := &stage{t: t, server: server.With(t), client: client.With(t), pair: p}
						row.run(s)
						mu.Lock()
						defer mu.Unlock()
						accounts[cast{row.name, p}] = [2]account{s.told(listening), s.told(connecting)}
					})
				}
			})
		}
	})
	if t.Failed() {
		return // not every account is there
	}

	found := map[string]bool{}
	for _, row := range situations {
		reference := accounts[cast{row.name, pairs[0]}]
		for _, p := range pairs[1:] {
			for role, got := range accounts[cast{row.name, p}] {
				got = got.inWordsOfValve(found)
				want := reference[role].expected(row.name, p, role, found)
				require.Equal(t, want, got, "%s: what the %s is told, %v", row.name, [...]string{"listener", "client"}[role], p)
			}
		}
	}
	for _, row := range ownWords {
		require.True(t, found[row.ours], "words that were not heard: %s", row.ours)
	}
	for _, d := range callbackDifferences {
		require.True(t, found[d.situation+d.valve], "a difference that is none: %s: %s", d.situation, d.valve)
	}
}

// inWordsOfValve replaces texts of this module, and notes which it has found.
func (a account) inWordsOfValve(found map[string]bool) account {
	out := account{}
	for _, line := range a {
		for _, row := range ownWords {
			if ours := fmt.Sprintf("%q", row.ours); strings.Contains(line, ours) {
				found[row.ours] = true
				line = strings.ReplaceAll(line, ours, fmt.Sprintf("%q", row.valve))
			}
		}
		out = append(out, line)
	}
	return out
}

// expected is what the account of Valve's libraries becomes for another pair, with a note of which
// differences it has found.
func (a account) expected(situation string, p pair, role int, found map[string]bool) account {
	kinds := [2]peer.Kind{listening: p.listens, connecting: p.connects}
	out := account{}
	for _, line := range a {
		for _, d := range callbackDifferences {
			if d.situation != situation || d.role != role || kinds[d.cause] != peer.Ours || !strings.HasPrefix(line, d.valve) {
				continue
			}
			found[d.situation+d.valve] = true
			if line = strings.Replace(line, d.valve, d.ours, 1); d.ours == "" {
				line = ""
			}
			break
		}
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}
