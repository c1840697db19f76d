package p2ptest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Kind names an implementation.
type Kind string

// Kinds of peers.
const (
	Valve   Kind = "valve"   // test_p2p
	Ours    Kind = "ours"    // this module, by the same rules
	Library Kind = "library" // test_p2p with another library, and without the simulated network
)

// Role is what a peer does first.
type Role string

// Roles.
const (
	Server  Role = "server"    // it listens
	Client  Role = "client"    // it connects
	Meeting Role = "symmetric" // it does both, as its peer does
)

// Candidate kinds that ICEEnable is made of, with Valve's numbers.
const (
	Relay   = 1
	Private = 2
	Public  = 4
)

// Side is one of the two peers of a case.
type Side struct {
	Kind             Kind
	Role             Role
	Identity, Remote string    // in Valve's text form
	Adapters         []Adapter // on the simulated network; none: it has the interface of the private network
	STUN, TURN       []string  // host:port
	User, Password   string    // at the TURN server
	ICEEnable        int       // 0: everything
	Ticks            int       // of 50 ms each, after which a peer that has connected closes; 0: 40
	Repeat           int       // connections, one after the other; 0: 1
	ExpectFailure    bool      // no connection must come about
	InitialTimeout   time.Duration
	SignalLoss       int // percent of the signals that it sends
	SignalTwice      int // percent of the signals that it sends twice

	// Of a Library: the executable, and the environment in which it finds the library.
	Program     string
	Environment []string
}

// Peer is a Side that runs.
type Peer struct {
	*Process
	Side Side
	log  string // file of test_p2p
}

// Run starts a peer in a network. Its signaling server has to be there already.
func Run(t testing.TB, n *Network, s Side) *Peer {
	t.Helper()
	name := fmt.Sprintf("%s %s", s.Kind, s.Role)
	if s.Kind == Ours {
		executable, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		n.simulate(t, string(s.Role), s.Adapters)
		command := n.Command(executable)
		command.Env = append(os.Environ(), envChild+"="+string(text))
		return &Peer{Process: Start(t, name, command), Side: s}
	}
	directory := t.TempDir()
	log := filepath.Join(directory, fmt.Sprintf("%s.log", s.Role))
	program := s.Program
	if s.Kind == Valve {
		program = file(t, testProgram)
	}
	command := n.Command(program, s.args(log)...)
	command.Dir, command.Env = directory, s.Environment
	p := &Peer{Process: Start(t, name, command), Side: s, log: log}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("detailed log of the %s:\n%s", name, p.Log())
		}
	})
	return p
}

// args are the options of test_p2p.
func (s *Side) args(log string) []string {
	args := []string{
		"--" + string(s.Role), "--identity-local", s.Identity, "--identity-remote", s.Remote,
		"--signaling-server", SignalingAddress, "--log", log, "--loglevel-p2prendezvous", "verbose",
		"--stun-server", strings.Join(s.STUN, ","), "--ice-implementation", "1",
	}
	option := func(name string, value int) {
		if value != 0 {
			args = append(args, name, fmt.Sprint(value))
		}
	}
	text := func(name, value string) {
		if value != "" {
			args = append(args, name, value)
		}
	}
	text("--turn-server", strings.Join(s.TURN, ","))
	text("--turn-username", s.User)
	text("--turn-password", s.Password)
	option("--ice-enable", s.ICEEnable)
	option("--ticks", s.Ticks)
	option("--repeat", s.Repeat)
	option("--timeout-ms", int(s.InitialTimeout.Milliseconds()))
	option("--signaling-loss", s.SignalLoss)
	option("--signaling-dup", s.SignalTwice)
	if s.ExpectFailure {
		args = append(args, "--expect-failure")
	}
	return append(args, mockArgs(s.Adapters)...)
}
