package gns_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// tick is what a turn of the loops of the example programs takes; theirs take no time at all.
const tick = time.Millisecond

// exampleClient is the client program of luasteam's documentation.
func exampleClient(t *testing.T, s *gns.Sockets, server netip.AddrPort) (received []string) {
	var connection gns.Connection
	s.OnAuthenticationStatus(func(status gns.Availability, _ string) {
		if status == gns.AvailabilityCurrent && connection == 0 {
			var err error
			connection, err = s.ConnectByIPAddress(server)
			require.NoError(t, err)
		}
	})
	s.InitAuthentication() // the script calls it first: callbacks are looked up later there
	for counter, turn := 0, 0; counter <= 100 && turn < giveUp; time.Sleep(tick) {
		turn++
		s.RunCallbacks()
		if connection == 0 {
			continue
		}
		messages := make([]*gns.Message, 32)
		n, err := s.ReceiveMessagesOnConnection(connection, messages)
		require.NoError(t, err)
		for range n {
			_, err := s.SendMessageToConnection(connection, []byte("Hello server! This is the client! Thank you!"), gns.SendReliable)
			require.NoError(t, err)
		}
		received = append(received, texts(messages[:n])...)
		if len(received) > 0 {
			counter++
		}
	}
	require.NoError(t, s.CloseConnection(connection, 0, "", false))
	require.NoError(t, s.Close())
	return received
}

// exampleServer is the server program.
func exampleServer(t *testing.T, s *gns.Sockets) (received []string) {
	connections := make(map[gns.Connection]bool)
	var listening gns.ListenSocket
	s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		switch e.Info.State {
		case gns.StateConnecting:
			require.NoError(t, s.AcceptConnection(e.Conn))
		case gns.StateConnected:
			connections[e.Conn] = true
			_, err := s.SendMessageToConnection(e.Conn, []byte("Hello client! This is the server! Welcome!"), gns.SendReliable)
			require.NoError(t, err)
		case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
			require.NoError(t, s.CloseConnection(e.Conn, 0, "", false))
			delete(connections, e.Conn)
		}
	})
	s.OnAuthenticationStatus(func(status gns.Availability, _ string) {
		if status == gns.AvailabilityCurrent && listening == 0 {
			var err error
			listening, err = s.CreateListenSocketIP(netip.MustParseAddrPort("[::]:55556"))
			require.NoError(t, err)
		}
	})
	s.InitAuthentication()
	for turn := 0; len(received) == 0 && turn < giveUp; time.Sleep(tick) {
		turn++
		s.RunCallbacks()
		for c := range connections {
			messages := make([]*gns.Message, 32)
			n, err := s.ReceiveMessagesOnConnection(c, messages)
			require.NoError(t, err)
			received = append(received, texts(messages[:n])...)
		}
	}
	for c := range connections {
		require.NoError(t, s.CloseConnection(c, 0, "", false))
	}
	require.NoError(t, s.Close())
	return received
}

// giveUp is how many turns the server waits for a message.
const giveUp = 100000

// runExamples runs both programs against each other.
func runExamples(t *testing.T, w *world) (client, server []string) {
	m := w.machine()
	development := gns.Options{DevelopmentCertificate: true}
	sc, ss := w.open(w.machine(), development), w.open(m, development)
	done := make(chan []string)
	go func() { done <- exampleServer(t, ss) }()
	client = exampleClient(t, sc, netip.AddrPortFrom(m.Addr(), 55556))
	return client, <-done
}

var apiPrograms = map[string]func(t *testing.T, w *world){
	"programs/client program": func(t *testing.T, w *world) {
		got, _ := runExamples(t, w)
		require.Equal(t, []string{"Hello client! This is the server! Welcome!"}, got)
	},
	"programs/server program": func(t *testing.T, w *world) {
		_, got := runExamples(t, w)
		require.Equal(t, []string{"Hello server! This is the client! Thank you!"}, got)
	},
	"programs/both wait for status 100": func(t *testing.T, w *world) {
		for development, want := range map[bool]gns.Availability{false: gns.AvailabilityCannotTry, true: gns.AvailabilityCurrent} {
			s := w.open(w.machine(), gns.Options{DevelopmentCertificate: development})
			told := statuses(s)
			require.Equal(t, want, s.InitAuthentication())
			s.RunCallbacks()
			require.Equal(t, development, len(*told) > 0)
		}
	},
}
