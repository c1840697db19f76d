package peer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script is an engine that has one connection, number 7, whose peer is the test.
type script struct {
	wake     chan struct{}
	changes  []Info
	incoming []Received
	sent     []Received
	room     int // messages that the send buffer still takes
	accepted error
	stopped  bool
	queued   *Status // what Status tells, nothing of it after "drain" was set; nil: a ping
}

const scriptConn = 7

func (s *script) known(conn uint32) error {
	if conn != scriptConn {
		return InvalidParam
	}
	return nil
}

func (s *script) Identity() string { return "str:script" }

func (s *script) Listen(_ netip.AddrPort, options []string) (uint32, error) {
	if len(options) > 0 {
		panic("as asked")
	}
	return 3, nil
}

func (s *script) ListenAddr(uint32) (netip.AddrPort, error) {
	return netip.MustParseAddrPort("127.0.0.1:1"), nil
}

func (s *script) CloseListen(uint32) error { return nil }

func (s *script) Connect(netip.AddrPort, []string) (uint32, error) { return scriptConn, nil }

func (s *script) Accept(uint32) error { return s.accepted }

func (s *script) Close(conn uint32, _ int, _ string, _ bool) error { return s.known(conn) }

func (s *script) Send(conn uint32, lane int, data []byte, flags int) (int64, error) {
	if s.room == 0 {
		s.room = 3 // there is some the next time
		return 0, fmt.Errorf("no room: %w", LimitExceeded)
	}
	if lane > 1 {
		return 0, InvalidParam
	}
	s.room--
	s.sent = append(s.sent, Received{Lane: lane, Flags: flags, Data: append([]byte(nil), data...)})
	return int64(len(s.sent)), s.known(conn)
}

func (s *script) Flush(conn uint32) error { return s.known(conn) }

func (s *script) ConfigureLanes(conn uint32, _ []int, _ []uint16) error { return s.known(conn) }

func (s *script) Receive(conn uint32) ([]Received, error) {
	got := s.incoming
	s.incoming = nil
	return got, s.known(conn)
}

func (s *script) RunCallbacks(changed func(uint32, State, Info)) {
	for _, info := range s.changes {
		changed(scriptConn, None, info)
	}
	s.changes = nil
}

func (s *script) SetConfig(_ uint32, setting string) error {
	if setting == "drain" {
		s.queued = &Status{}
	}
	return errors.New("no such value")
}

func (s *script) SetListenConfig(uint32, string) error { return errors.New("no such value either") }

func (s *script) CertificateRequest() ([]byte, error) { return []byte{1, 2}, nil }

func (s *script) SetCertificate(signed []byte) error {
	if len(signed) != 2 {
		return errors.New("not two bytes")
	}
	return nil
}

func (s *script) InitAuthentication() int { return 3 }

func (s *script) AuthStatus() AuthStatus { return AuthStatus{Availability: 100, Text: "OK"} }

func (s *script) Config(uint32, string) (string, error) { return "5000", nil }

func (s *script) Info(conn uint32) (Info, error) { return Info{State: Connected}, s.known(conn) }

func (s *script) Status(conn uint32, _ int) (Status, error) {
	if s.queued != nil {
		return *s.queued, s.known(conn)
	}
	return Status{Ping: 12}, s.known(conn)
}

func (s *script) DetailedStatus(conn uint32) (string, error) { return "fine", s.known(conn) }

func (s *script) Totals(conn uint32) (Totals, error) { return Totals{SentPackets: 9}, s.known(conn) }

func (s *script) Wake() (<-chan struct{}, time.Duration) { return s.wake, time.Hour }

func (s *script) Shutdown() { s.stopped = true }

// session talks to a server that runs a script. The script may be touched only between commands,
// while the server waits for the next one.
type session struct {
	t      *testing.T
	script *script
	in     *json.Encoder
	close  func() error
	events *bufio.Scanner
	ended  chan error
}

func newSession(t *testing.T, s *script) *session {
	t.Helper()
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	ended := make(chan error, 1)
	s.wake = make(chan struct{})
	server := &server{engine: s, start: time.Now(), out: bufio.NewWriter(outWrite), conns: map[uint32]*conn{}, autoAccept: true}
	go func() {
		ended <- server.run(readCommands(inRead))
		outWrite.Close()
	}()
	return &session{t: t, script: s, in: json.NewEncoder(inWrite), close: inWrite.Close, events: bufio.NewScanner(outRead), ended: ended}
}

func (s *session) command(c Command) { require.NoError(s.t, s.in.Encode(c)) }

// want reads an event and compares it, its time left out.
func (s *session) want(want Event) {
	s.t.Helper()
	require.True(s.t, s.events.Scan(), "the output ended, expected %+v", want)
	var got Event
	require.NoError(s.t, json.Unmarshal(s.events.Bytes(), &got))
	got.Time = 0
	require.Equal(s.t, want, got)
}

// next reads an event, of which a test compares parts.
func (s *session) next() Event {
	s.t.Helper()
	require.True(s.t, s.events.Scan(), "the output ended")
	var got Event
	require.NoError(s.t, json.Unmarshal(s.events.Bytes(), &got))
	return got
}

func (s *session) end() {
	s.t.Helper()
	require.NoError(s.t, s.close())
	require.False(s.t, s.events.Scan(), "unexpected output %s", s.events.Text())
	require.NoError(s.t, <-s.ended)
}

func TestServeCommands(t *testing.T) {
	t.Parallel()
	s := newSession(t, &script{room: 100})
	for i, row := range []struct {
		command Command
		want    Event
	}{
		{Command{Do: "listen", Addr: "127.0.0.1:1"}, Event{Listen: 3, Addr: "127.0.0.1:1"}},
		{Command{Do: "connect", Addr: "127.0.0.1:1"}, Event{Conn: scriptConn}},
		{Command{Do: "send", Conn: scriptConn, Hex: "00ff", Flags: Reliable}, Event{Number: 1}},
		{Command{Do: "send", Conn: scriptConn, Seed: 4, Size: 3, Lane: 1}, Event{Number: 2}},
		{Command{Do: "send", Conn: scriptConn, Lane: 9}, Event{Error: "result 8", Result: InvalidParam}},
		{Command{Do: "send", Conn: scriptConn, Hex: "0"}, Event{Error: "encoding/hex: odd length hex string"}},
		{Command{Do: "flush", Conn: 1}, Event{Error: "result 8", Result: InvalidParam}},
		{Command{Do: "config", Text: "A=b"}, Event{Error: "no such value"}},
		{Command{Do: "config", Listen: 3, Text: "A=b"}, Event{Error: "no such value either"}},
		{Command{Do: "identity"}, Event{Identity: "str:script"}},
		{Command{Do: "request-certificate"}, Event{Text: "0102"}},
		{Command{Do: "set-certificate", Hex: "0304"}, Event{}},
		{Command{Do: "set-certificate", Hex: "03"}, Event{Error: "not two bytes"}},
		{Command{Do: "set-certificate", Hex: "0"}, Event{Error: "encoding/hex: odd length hex string"}},
		{Command{Do: "init-authentication"}, Event{Number: 3}},
		{Command{Do: "authentication-status"}, Event{Number: 100, Text: "OK"}},
		{Command{Do: "get-config", Text: "NagleTime"}, Event{Text: "5000"}},
		{Command{Do: "status", Conn: scriptConn}, Event{Status: &Status{Ping: 12}}},
		{Command{Do: "detailed", Conn: scriptConn}, Event{Text: "fine"}},
		{Command{Do: "mode", Conn: scriptConn, Mode: "backwards"}, Event{Error: `there is no mode "backwards"`}},
		{Command{Do: "batch", Conn: scriptConn, Batch: &Batch{Count: 1}}, Event{Error: "a batch needs sizes"}},
		{Command{Do: "dance"}, Event{Error: `there is no command "dance"`}},
		{Command{Do: "close", Conn: scriptConn}, Event{}},
	} {
		row.command.ID, row.want.ID, row.want.Kind = i+1, i+1, evReply
		s.command(row.command)
		s.want(row.want)
	}
	require.Equal(t, []Received{{Flags: Reliable, Data: []byte{0, 0xff}}, {Lane: 1, Data: Content(4, 3)}}, s.script.sent)
	s.end()
	require.False(t, s.script.stopped, "run does not stop the engine, Serve does")
}

// A batch waits for room in the send buffer and reports the numbers that its messages got.
func TestServeBatch(t *testing.T) {
	t.Parallel()
	sc := &script{room: 2}
	s := newSession(t, sc)
	batch := Batch{Count: 7, Seed: 1, Sizes: []int{1, 2}, Flags: []int{Reliable, Unreliable, Reliable}}
	s.command(Command{ID: 1, Do: "batch", Conn: scriptConn, Batch: &batch})
	s.want(Event{Kind: evReply, ID: 1})
	s.want(Event{Kind: evBatch, Conn: scriptConn, Numbers: []int64{1, 2, 3, 4, 5, 6, 7}})
	for i, m := range sc.sent {
		require.Equal(t, Received{Flags: batch.At(i).Flags, Data: Content(uint64(1+i), 1+i%2)}, m)
	}

	bad := Batch{Count: 3, Sizes: []int{1}, Lanes: []int{0, 5}}
	sc.room = 10
	s.command(Command{ID: 2, Do: "batch", Conn: scriptConn, Batch: &bad})
	s.want(Event{Kind: evReply, ID: 2})
	s.want(Event{Kind: evBatch, Conn: scriptConn, Numbers: []int64{8}, Error: "message 1 of the batch: result 8", Result: InvalidParam})
	s.end()
}

func TestServeIncoming(t *testing.T) {
	t.Parallel()
	sc := &script{room: 100, accepted: HandshakeFailed}
	s := newSession(t, sc)
	incoming := Info{State: Connecting, Listen: 3, Identity: "str:a"}
	s.command(Command{ID: 1, Do: "auto-accept", On: true})
	s.want(Event{Kind: evReply, ID: 1})
	sc.changes = []Info{incoming}
	sc.incoming = []Received{{Lane: 1, Number: 4, Flags: Reliable, Data: []byte("short")}, {Number: 5, Data: Content(1, 100)}}
	sc.wake <- struct{}{}
	s.want(Event{Kind: evState, Conn: scriptConn, Info: &incoming})
	s.want(Event{Kind: evAccept, Conn: scriptConn, Error: "result 36", Result: HandshakeFailed})
	s.want(Event{Kind: evMessage, Conn: scriptConn, Message: &Message{Lane: 1, Number: 4, Flags: Reliable, Size: 5, Sum: Sum([]byte("short")), Hex: "73686f7274"}})
	s.want(Event{Kind: evMessage, Conn: scriptConn, Message: &Message{Number: 5, Size: 100, Sum: Sum(Content(1, 100))}})

	s.command(Command{ID: 2, Do: "mode", Conn: scriptConn, Mode: Echo})
	s.want(Event{Kind: evReply, ID: 2})
	sc.incoming = []Received{{Lane: 1, Flags: Reliable, Data: []byte("a")}, {Data: []byte("b")}}
	sc.wake <- struct{}{}
	s.command(Command{ID: 3, Do: "mode", Conn: scriptConn, Mode: Pause})
	s.want(Event{Kind: evReply, ID: 3})
	require.Equal(t, []Received{{Lane: 1, Flags: Reliable | NoNagle, Data: []byte("a")}, {Flags: NoNagle, Data: []byte("b")}}, sc.sent)

	sc.incoming = []Received{{Data: []byte("c")}}
	s.command(Command{ID: 4, Do: "info", Conn: scriptConn})
	s.want(Event{Kind: evReply, ID: 4, Info: &Info{State: Connected}})
	require.Len(t, sc.incoming, 1, "left in the queue")
	s.end()
}

// A bulk transfer from a file on one side to a file on the other.
func TestServeSourceAndSink(t *testing.T) {
	t.Parallel()
	const size, chunk = 1000, 300
	data := Content(5, size)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	require.NoError(t, os.WriteFile(from, data, 0o600))
	for _, command := range []Command{{Path: from}, {Seed: 5, Size: size}} {
		sc := &script{room: 2}
		s := newSession(t, sc)
		command.ID, command.Do, command.Conn, command.Chunk, command.Flags = 1, "source", scriptConn, chunk, Reliable
		s.command(command)
		s.want(Event{Kind: evReply, ID: 1})
		s.want(Event{Kind: evSource, Conn: scriptConn, Bytes: size})
		require.Len(t, sc.sent, 4)

		s.command(Command{ID: 2, Do: "mode", Conn: scriptConn, Mode: Sink, Size: size, Path: to})
		s.want(Event{Kind: evReply, ID: 2})
		sc.incoming = sc.sent
		sc.wake <- struct{}{}
		sum := sha256.Sum256(data)
		s.want(Event{Kind: evSink, Conn: scriptConn, Bytes: size, Messages: 4, Sum: hex.EncodeToString(sum[:])})
		written, err := os.ReadFile(to)
		require.NoError(t, err)
		require.Equal(t, data, written)
		s.end()
	}
	s := newSession(t, &script{})
	s.command(Command{ID: 1, Do: "source", Conn: scriptConn, Path: from + ".missing"})
	require.True(t, s.events.Scan())
	require.Contains(t, s.events.Text(), "no such file")
	s.end()
}

func TestServeRejectsOtherInput(t *testing.T) {
	t.Parallel()
	s := newSession(t, &script{})
	require.NoError(t, s.in.Encode("hello"))
	require.True(t, s.events.Scan())
	require.Contains(t, s.events.Text(), "is not a command")
	s.command(Command{Do: "exit"})
	require.NoError(t, <-s.ended)
}

func TestServeUnknownKind(t *testing.T) {
	t.Parallel()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(Options{Kind: "nobody"}, nil, in) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, evFatal)
	require.Contains(t, line, "nobody")
	require.ErrorContains(t, <-ended, "nobody")
}
