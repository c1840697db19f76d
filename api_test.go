package gns_test

import (
	"errors"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// TestAPI has a test for every name in luasteam's documentation, as testdata/api-names.tsv lists them.
func TestAPI(t *testing.T) {
	data, err := os.ReadFile("testdata/api-names.tsv")
	require.NoError(t, err)
	tests := make(map[string]func(*testing.T, *world))
	for _, some := range []map[string]func(*testing.T, *world){apiFunctions, apiCallbacks, apiValues(), apiPrograms} {
		maps.Copy(tests, some)
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		name := f[0] + "/" + f[1]
		test := tests[name]
		require.NotNil(t, test, "no test is named after %s", name)
		delete(tests, name)
		t.Run(name, func(t *testing.T) { inVirtualTime(t, 1, test) })
	}
	require.Empty(t, slices.Collect(maps.Keys(tests)), "tests that are named after nothing")
}

const badHandle gns.Connection = 0x7fff7fff

var apiFunctions = map[string]func(t *testing.T, w *world){
	"functions/createListenSocketP2P": func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{})
		for port, want := range map[int]error{0: gns.ErrNotSupported, 65535: gns.ErrNotSupported, -1: gns.ErrInvalidParam, 65536: gns.ErrInvalidParam} {
			h, err := s.CreateListenSocketP2P(port)
			require.ErrorIs(t, err, want, "%d", port)
			require.Zero(t, h)
		}
		_, err := s.CreateListenSocketP2P(1)
		require.ErrorIs(t, err, errors.ErrUnsupported)
	},
	"functions/connectP2P": func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{})
		peer := gns.SteamID(76561197960265729)
		for port, want := range map[int]error{0: gns.ErrNotSupported, 65535: gns.ErrNotSupported, -1: gns.ErrInvalidParam, 65536: gns.ErrInvalidParam} {
			h, err := s.ConnectP2P(peer, port)
			require.ErrorIs(t, err, want, "%d", port)
			require.Zero(t, h)
		}
		_, err := s.ConnectP2P(gns.Identity{}, 0)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
		_, err = s.ConnectP2P(peer, 0, localVirtualPort(70000))
		require.ErrorIs(t, err, gns.ErrInvalidParam)
		_, err = s.ConnectP2P(peer, 0, lagOption)
		require.ErrorIs(t, err, gns.ErrInvalidParam, "a global value")
	},
	"functions/createListenSocketIP": func(t *testing.T, w *world) {
		m := w.machine()
		s := w.open(m, gns.Options{})
		l, err := s.CreateListenSocketIP(portOf(m))
		require.NoError(t, err)
		require.NotZero(t, l)
		addr, err := s.ListenSocketAddress(l)
		require.NoError(t, err)
		require.Equal(t, portOf(m), addr)
		_, err = s.CreateListenSocketIP(portOf(m))
		require.Error(t, err, "the port is in use")
		any, err := s.CreateListenSocketIP(netip.MustParseAddrPort("[::]:55556"))
		require.NoError(t, err)
		require.NotEqual(t, l, any)
		_, err = s.CreateListenSocketIP(netip.MustParseAddrPort("[::]:55557"), lagOption)
		require.ErrorIs(t, err, gns.ErrInvalidParam, "a global value")
	},
	"functions/connectByIPAddress": func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{})
		told := collector(s)
		c, err := s.ConnectByIPAddress(netip.MustParseAddrPort("192.0.2.200:55556"))
		require.NoError(t, err)
		s.RunCallbacks()
		require.Len(t, *told, 1, "before anything was heard of the peer")
		e := (*told)[0]
		require.Equal(t, c, e.Conn)
		require.Equal(t, [2]gns.State{gns.StateNone, gns.StateConnecting}, [2]gns.State{e.Old, e.Info.State})
		require.False(t, e.Info.Identity.IsValid(), "who is there is not known yet")
		_, err = s.ConnectByIPAddress(netip.MustParseAddrPort("192.0.2.200:55556"), lagOption)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
		s.RunCallbacks()
		require.Len(t, *told, 1, "what fails makes no callback")
	},
	"functions/acceptConnection": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		client, cc, sc := h.connect() // accepts in the callback
		require.ErrorIs(t, h.AcceptConnection(sc), gns.ErrInvalidState, "a second time")
		require.ErrorIs(t, client.AcceptConnection(cc), gns.ErrInvalidState, "an outgoing one")
		require.ErrorIs(t, h.AcceptConnection(badHandle), gns.ErrInvalidParam)
	},
	"functions/closeConnection": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		for _, test := range []struct {
			reason     gns.EndReason
			text       string
			wantReason gns.EndReason
			wantText   string
		}{
			{0, "", 1000, "closed by application"},
			{1000, "bye", 1000, "bye"},
			{1999, "bye", 1999, "bye"},
			{2000, "", 2000, "closed by application in an unusual way"},
			{2999, "bye", 2999, "bye"},
			{999, "bye", 1999, "application passed an end reason outside 1000...2999"},
			{3000, "bye", 1999, "application passed an end reason outside 1000...2999"},
			{-1, "bye", 1999, "application passed an end reason outside 1000...2999"},
			{1234, strings.Repeat("x", 128), 1234, strings.Repeat("x", 127)},
		} {
			client, cc, sc := h.connect()
			require.NoError(t, client.CloseConnection(cc, test.reason, test.text, false))
			h.settle()
			info, err := h.ConnectionInfo(sc)
			require.NoError(t, err)
			require.Equal(t, gns.StateClosedByPeer, info.State)
			require.Equal(t, test.wantReason, info.EndReason, "%d", test.reason)
			require.Equal(t, test.wantText, info.EndDebug, "%d", test.reason)
			require.ErrorIs(t, client.CloseConnection(cc, 0, "", false), gns.ErrInvalidParam, "the handle is gone at once")
		}
	},
	"functions/closeListenSocket": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		client, cc, sc := h.connect()
		require.NoError(t, h.CloseListenSocket(h.listen))
		require.ErrorIs(t, h.CloseListenSocket(h.listen), gns.ErrInvalidParam)
		require.ErrorIs(t, h.CloseConnection(sc, 0, "", false), gns.ErrInvalidParam, "children end with it")
		h.settle()
		last := h.events[len(h.events)-1]
		require.Equal(t, [2]gns.State{gns.StateConnected, gns.StateNone}, [2]gns.State{last.Old, last.Info.State})
		require.Equal(t, h.listen, last.Info.ListenSocket, "still named in the last callback")
		info, err := client.ConnectionInfo(cc)
		require.NoError(t, err)
		require.Equal(t, gns.StateClosedByPeer, info.State)
		again, err := h.CreateListenSocketIP(portOf(h.m))
		require.NoError(t, err, "the address is free at once")
		require.NotEqual(t, h.listen, again)
	},
	"functions/sendMessageToConnection": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		client, cc, sc := h.connect()
		for i, size := range []int{5, 0, 20000} {
			n, err := client.SendMessageToConnection(cc, make([]byte, size), gns.SendReliableNoNagle)
			require.NoError(t, err)
			require.EqualValues(t, i+1, n)
		}
		h.settle()
		dst := make([]*gns.Message, 4)
		n, err := h.ReceiveMessagesOnConnection(sc, dst)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		require.Equal(t, []int{5, 0, 20000}, []int{len(dst[0].Data), len(dst[1].Data), len(dst[2].Data)})
		texts(dst[:n])
	},
	"functions/sendMessages": testSendMessages,
	"functions/flushMessagesOnConnection": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		client, cc, sc := h.connect()
		require.NoError(t, client.SetConfig(connectionScope, uint32(cc), nagleTime(20000)))
		for _, flush := range []bool{false, true} {
			_, err := client.SendMessageToConnection(cc, []byte("x"), gns.SendReliable)
			require.NoError(t, err)
			if flush {
				require.NoError(t, client.FlushMessagesOnConnection(cc))
			}
			time.Sleep(10 * time.Millisecond) // the network takes no time
			require.Equal(t, flush, len(h.read(sc, 1)) == 1)
			h.settle()
			h.read(sc, 1)
		}
	},
	"functions/receiveMessagesOnConnection": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		client, cc, sc := h.connect()
		require.Empty(t, h.read(sc, 32))
		for range 40 {
			_, err := client.SendMessageToConnection(cc, []byte("x"), gns.SendReliable)
			require.NoError(t, err)
		}
		h.settle()
		require.Len(t, h.read(sc, 32), 32)
		require.Len(t, h.read(sc, 32), 8)
		_, err := h.ReceiveMessagesOnConnection(badHandle, nil)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
	},
	"functions/initAuthentication": func(t *testing.T, w *world) {
		require.Equal(t, gns.AvailabilityCannotTry, w.open(w.machine(), gns.Options{}).InitAuthentication())
		require.Equal(t, gns.AvailabilityCurrent, w.open(w.machine(), gns.Options{DevelopmentCertificate: true}).InitAuthentication())
	},
	"functions/getAuthenticationStatus": func(t *testing.T, w *world) {
		status, text := w.open(w.machine(), gns.Options{}).AuthenticationStatus()
		require.Equal(t, gns.AvailabilityCannotTry, status)
		require.NotEmpty(t, text)
	},
	"functions/getConnectionInfo": func(t *testing.T, w *world) {
		h := w.host(gns.Options{Identity: gns.GenericString("server")})
		client, cc, sc := h.connect()
		require.NoError(t, client.SetConnectionName(cc, strings.Repeat("n", 40)))
		info, err := client.ConnectionInfo(cc)
		require.NoError(t, err)
		require.Regexp(t, `^#\d+ UDP str:server@192\.0\.2\.1:27015 'n{31}'$`, info.Description)
		require.Zero(t, info.ListenSocket)
		info, err = h.ConnectionInfo(sc)
		require.NoError(t, err)
		require.Equal(t, h.listen, info.ListenSocket)
		require.Equal(t, "ip:"+info.Addr.String(), info.Identity.String())
		_, err = h.ConnectionInfo(badHandle)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
	},
	"functions/getIdentity": func(t *testing.T, w *world) {
		for _, id := range []gns.Identity{{}, gns.SteamID(76561197960265729)} {
			got, ok := w.open(w.machine(), gns.Options{Identity: id}).Identity()
			require.True(t, ok)
			if id.IsZero() {
				id = gns.Localhost()
			}
			require.Equal(t, id, got)
		}
	},
	"functions/createPollGroup": func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{})
		a, b := s.CreatePollGroup(), s.CreatePollGroup()
		require.NotZero(t, a)
		require.NotZero(t, b)
		require.NotEqual(t, a, b)
	},
	"functions/destroyPollGroup": func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{})
		g := s.CreatePollGroup()
		require.NoError(t, s.DestroyPollGroup(g))
		require.ErrorIs(t, s.DestroyPollGroup(g), gns.ErrInvalidParam)
		require.ErrorIs(t, s.DestroyPollGroup(0), gns.ErrInvalidParam)
	},
	"functions/setConnectionPollGroup": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		_, _, sc := h.connect()
		g := h.CreatePollGroup()
		require.NoError(t, h.SetConnectionPollGroup(sc, g))
		require.NoError(t, h.SetConnectionPollGroup(sc, 0))
		require.ErrorIs(t, h.SetConnectionPollGroup(badHandle, g), gns.ErrInvalidParam)
		require.ErrorIs(t, h.SetConnectionPollGroup(sc, g+1), gns.ErrInvalidParam)
	},
	"functions/receiveMessagesOnPollGroup": func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		h.group = h.CreatePollGroup()
		client, cc, sc := h.connect()
		for range 40 {
			_, err := client.SendMessageToConnection(cc, []byte("x"), gns.SendReliable)
			require.NoError(t, err)
		}
		h.settle()
		require.Len(t, h.poll(h.group, 32), 32)
		dst := make([]*gns.Message, 32)
		n, err := h.ReceiveMessagesOnPollGroup(h.group, dst)
		require.NoError(t, err)
		require.Equal(t, 8, n)
		require.Equal(t, sc, dst[0].Conn)
		texts(dst[:n])
		_, err = h.ReceiveMessagesOnPollGroup(0, dst)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
	},
}

// testSendMessages holds SendMessages to the rules for batches.
func testSendMessages(t *testing.T, w *world) {
	h := w.host(gns.Options{})
	s, c1, p1 := h.connect()
	c2, err := s.ConnectByIPAddress(portOf(h.m))
	require.NoError(t, err)
	h.settle()
	p2 := h.arrived[len(h.arrived)-1]
	pending, err := s.ConnectByIPAddress(netip.MustParseAddrPort("192.0.2.200:1"))
	require.NoError(t, err)

	msg := func(c gns.Connection, text string) *gns.OutMessage {
		return &gns.OutMessage{Conn: c, Data: []byte(text), Flags: gns.SendReliableNoNagle, Number: -5, Err: gns.ErrFail}
	}
	big := func(c gns.Connection) *gns.OutMessage {
		return &gns.OutMessage{Conn: c, Data: make([]byte, gns.MaxMessageSize+1), Flags: gns.SendReliable}
	}
	lane := func(c gns.Connection) *gns.OutMessage {
		m := msg(c, "lane")
		m.Lane = 1
		return m
	}
	noDelay := func(c gns.Connection) *gns.OutMessage {
		m := msg(c, "no delay")
		m.Flags = gns.SendUnreliableNoDelay
		return m
	}
	for _, test := range []struct {
		name     string
		messages []*gns.OutMessage
		numbers  []int64
		errs     []error
	}{
		{"all go", []*gns.OutMessage{msg(c1, "a1"), msg(c2, "a2"), msg(c1, "b1"), msg(c1, "c1")}, []int64{1, 1, 2, 3}, make([]error, 4)},
		{"nil and 0 stop nobody", []*gns.OutMessage{nil, msg(0, ""), msg(0, ""), msg(c1, "d1")},
			[]int64{0, 0, 0, 4}, []error{nil, gns.ErrInvalidParam, gns.ErrInvalidParam, nil}},
		{"unknown handle", []*gns.OutMessage{msg(badHandle, ""), msg(badHandle, ""), msg(c2, "b2"), msg(badHandle, "")},
			[]int64{0, 0, 2, 0}, []error{gns.ErrInvalidParam, gns.ErrNotAttempted, nil, gns.ErrNotAttempted}},
		{"after a failure on the same connection", []*gns.OutMessage{msg(c1, "e1"), big(c1), msg(c1, ""), msg(c2, "c2"), msg(c1, "")},
			[]int64{5, 0, 0, 3, 0}, []error{nil, gns.ErrInvalidParam, gns.ErrNotAttempted, nil, gns.ErrNotAttempted}},
		{"even after Ignored", []*gns.OutMessage{noDelay(pending), msg(pending, ""), lane(c1), msg(c1, "")},
			make([]int64, 4), []error{gns.ErrIgnored, gns.ErrNotAttempted, gns.ErrInvalidParam, gns.ErrNotAttempted}},
		{"the next batch starts anew", []*gns.OutMessage{msg(c1, "f1"), msg(pending, "waits")}, []int64{6, 1}, make([]error, 2)},
		{"empty", nil, nil, nil},
	} {
		s.SendMessages(test.messages)
		for i, m := range test.messages {
			if m == nil {
				continue
			}
			require.Equal(t, test.numbers[i], m.Number, "%s, %d", test.name, i)
			if want := test.errs[i]; want == nil {
				require.NoError(t, m.Err, "%s, %d", test.name, i)
			} else {
				require.ErrorIs(t, m.Err, want, "%s, %d", test.name, i)
				require.Equal(t, want == gns.ErrNotAttempted, errors.Is(m.Err, gns.ErrNotAttempted), "%s, %d", test.name, i)
			}
		}
	}
	h.settle()
	require.Equal(t, []string{"a1", "b1", "c1", "d1", "e1", "f1"}, h.read(p1, 32))
	require.Equal(t, []string{"a2", "b2", "c2"}, h.read(p2, 32))

	// As much as the send buffer holds goes in one batch.
	batch := make([]*gns.OutMessage, 50)
	for i := range batch {
		batch[i] = msg(c1, strings.Repeat("x", 10000))
	}
	s.SendMessages(batch)
	for i, m := range batch {
		require.NoError(t, m.Err, "%d", i)
	}
	var got []string
	for len(got) < len(batch) {
		h.settle()
		got = append(got, h.read(p1, 32)...)
	}

	// Priorities hold within a batch, whose first messages are not sent before the last are queued.
	require.NoError(t, s.ConfigureConnectionLanes(c1, []int{1, 0}, nil))
	for i := range batch {
		batch[i] = msg(c1, "x")
		batch[i].Data = make([]byte, 1000)
		batch[i].Flags = gns.SendUnreliable
		batch[i].Lane = i * 2 / len(batch)
	}
	s.SendMessages(batch)
	st, err := s.ConnectionRealTimeStatus(c1)
	require.NoError(t, err)
	require.Equal(t, 25*1000, st.Lanes[0].PendingUnreliable, "bytes of the lane of lower priority")
	require.Less(t, st.Lanes[1].PendingUnreliable, 25*1000, "bytes of the lane of higher priority")
}
