package gns_test

import (
	"bytes"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/udpwire"
	pb "github.com/gogns/gns/proto"
	"github.com/gogns/gns/transport/udp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// wiretap is a network path between one client and a server that is in eve's hands: the client takes
// its address for the server's.
type wiretap struct {
	t           testing.TB
	front, back udp.Conn // where the client, and the server, see the other
	server      netip.AddrPort

	mu     sync.Mutex
	client netip.AddrPort
	tape   []taped // all datagrams, as they came
	// handle decides what becomes of a datagram; nil passes it on.
	handle func(fromClient bool, d []byte)
}

type taped struct {
	fromClient bool
	data       []byte
}

func newWiretap(t testing.TB, server netip.AddrPort) *wiretap {
	t.Helper()
	w := &wiretap{t: t, server: server}
	var err error
	w.front, err = udp.Listen(loopback4, udp.Options{})
	require.NoError(t, err)
	w.back, err = udp.Listen(loopback4, udp.Options{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { w.read(w.front, true) })
	wg.Go(func() { w.read(w.back, false) })
	t.Cleanup(func() {
		_ = w.front.Close()
		_ = w.back.Close()
		wg.Wait()
	})
	return w
}

// addr is where the client goes astray.
func (w *wiretap) addr() string { return w.front.LocalAddr().String() }

func (w *wiretap) read(sock udp.Conn, fromClient bool) {
	var batch udp.Batch
	for {
		if err := sock.ReadBatch(&batch); err != nil {
			return // closed
		}
		w.mu.Lock()
		for _, d := range batch.Datagrams {
			w.take(d, fromClient)
		}
		w.mu.Unlock()
	}
}

// take handles one datagram. w.mu is held.
func (w *wiretap) take(from udp.Datagram, fromClient bool) {
	if fromClient {
		w.client = from.Addr
	}
	d := slices.Clone(from.Data)
	w.tape = append(w.tape, taped{fromClient, slices.Clone(d)})
	if w.handle == nil {
		w.pass(fromClient, d)
	} else {
		w.handle(fromClient, d)
	}
}

// change changes what becomes of datagrams.
func (w *wiretap) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// pass sends a datagram. w.mu is held.
func (w *wiretap) pass(toServer bool, d []byte) {
	sock, to := w.front, w.client
	if toServer {
		sock, to = w.back, w.server
	}
	_, _ = sock.WriteBatch([]udp.Datagram{{Addr: to, Data: d}})
}

// message sends a message. w.mu is held.
func (w *wiretap) message(toServer bool, kind udpwire.Kind, m proto.Message) {
	d, err := udpwire.AppendMessage(nil, kind, m)
	if err != nil {
		w.t.Error(err)
		return
	}
	w.pass(toServer, d)
}

// recorded returns the first datagram of a kind on the tape.
func (w *wiretap) recorded(kind udpwire.Kind) []byte {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.tape, func(d taped) bool { return udpwire.KindOf(d.data) == kind })
	require.GreaterOrEqual(w.t, i, 0, "no %v was recorded", kind)
	return slices.Clone(w.tape[i].data)
}

// overheard reports whether a text went by in the clear.
func (w *wiretap) overheard(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.tape, func(d taped) bool { return bytes.Contains(d.data, []byte(text)) })
}

// rewrite changes messages of one kind on their way; everything else passes. The message that change
// gets is one of that kind. w.mu is held.
func rewrite[M proto.Message](w *wiretap, kind udpwire.Kind, blank func() M, change func(M)) {
	w.handle = func(fromClient bool, d []byte) {
		if udpwire.KindOf(d) != kind {
			w.pass(fromClient, d)
			return
		}
		m := blank()
		if err := udpwire.ParseMessage(d, kind, m); err != nil {
			w.t.Error(err)
			return
		}
		change(m)
		w.message(fromClient, kind, m)
	}
}

// disguise is what a middleman shows to one of the two sides. victim is whom it pretends to be, shown what
// that one has shown to the middleman.
type disguise func(victim gns.Identity, shown presented) part

// middleman is a wiretap that ends both handshakes: it is the server to the client and the client to the
// server, with the same connection IDs. If both believe it, it reads everything, and passes on what
// alter makes of it.
type middleman struct {
	*wiretap
	toServer, toClient disguise
	alter              func(payload []byte) []byte

	request    *pb.CMsgSteamSockets_UDP_ConnectRequest // of the client
	asClient   *crypto.Handshake
	shown      presented // to the server
	answer     []byte    // ConnectOK, as shown to the client
	withClient crypto.Keys
	withServer crypto.Keys
	payloads   [][]byte // what was read, as it came
	opaque     int      // packets that could not be read
}

func newMiddleman(t testing.TB, server netip.AddrPort, toServer, toClient disguise) *middleman {
	t.Helper()
	m := &middleman{wiretap: newWiretap(t, server), toServer: toServer, toClient: toClient,
		alter: func(payload []byte) []byte { return payload }}
	m.change(func() { m.handle = m.act })
	return m
}

// act handles a datagram. m.mu is held.
func (m *middleman) act(fromClient bool, d []byte) {
	err := m.attack(fromClient, d)
	if err != nil {
		m.t.Errorf("the middleman's own handshake failed: %v", err)
	}
}

func (m *middleman) attack(fromClient bool, d []byte) error {
	switch kind := udpwire.KindOf(d); kind {
	case udpwire.KindConnectRequest:
		if m.asClient == nil {
			if err := m.meetClient(d); err != nil {
				return err
			}
		}
		// The challenge is for the middleman's own address, since it passed through.
		var again pb.CMsgSteamSockets_UDP_ConnectRequest
		if err := udpwire.ParseMessage(d, kind, &again); err != nil {
			return err
		}
		m.message(true, kind, m.shown.request(again.GetClientConnectionId(), again.GetChallenge()))
	case udpwire.KindConnectOK:
		if m.answer == nil {
			if err := m.meetServer(d); err != nil {
				return err
			}
		}
		m.pass(false, m.answer)
	case udpwire.KindData:
		m.relay(fromClient, d)
	default:
		m.pass(fromClient, d)
	}
	return nil
}

// meetClient learns who the client is, and prepares to be it.
func (m *middleman) meetClient(d []byte) error {
	m.request = new(pb.CMsgSteamSockets_UDP_ConnectRequest)
	if err := udpwire.ParseMessage(d, udpwire.KindConnectRequest, m.request); err != nil {
		return err
	}
	victim, err := introduced(m.request.Cert, m.request.IdentityString)
	if err != nil {
		return err
	}
	role := m.toServer(victim, presented{m.request.Cert, m.request.Crypt, m.request.GetIdentityString()})
	if m.asClient, err = role.shake(crypto.RoleClient); err != nil {
		return err
	}
	m.shown = role.show(m.asClient)
	return nil
}

// meetServer finishes both handshakes.
func (m *middleman) meetServer(d []byte) error {
	var ok pb.CMsgSteamSockets_UDP_ConnectOK
	if err := udpwire.ParseMessage(d, udpwire.KindConnectOK, &ok); err != nil {
		return err
	}
	victim, err := introduced(ok.Cert, ok.IdentityString)
	if err != nil {
		return err
	}
	if err := m.asClient.ReceivePeer(crypto.PeerMessages{Cert: ok.Cert, Crypt: ok.Crypt, Identity: victim, Now: 1}); err != nil {
		return err
	}
	if m.withServer, err = m.asClient.Finish(ok.GetClientConnectionId(), ok.GetServerConnectionId()); err != nil {
		return err
	}
	role := m.toClient(victim, presented{ok.Cert, ok.Crypt, ok.GetIdentityString()})
	shown, keys, err := role.answer(m.request, ok.GetServerConnectionId())
	if err != nil {
		return err
	}
	m.withClient = keys
	m.answer, err = udpwire.AppendMessage(nil, udpwire.KindConnectOK, shown.ok(ok.GetClientConnectionId(), ok.GetServerConnectionId()))
	return err
}

// relay reads a packet and seals it anew under the same number. What it cannot read it passes on as it is.
func (m *middleman) relay(fromClient bool, d []byte) {
	from, to := &m.withClient, &m.withServer
	reader, writer := crypto.RoleServer, crypto.RoleClient
	if !fromClient {
		from, to = to, from
		reader, writer = writer, reader
	}
	var h udpwire.DataHeader
	chunk, ok := udpwire.ParseDataHeader(d, &h)
	payload, err := unseal(from, reader, int64(h.WireNumber), chunk)
	if !ok || err != nil {
		m.opaque++
		m.pass(fromClient, d)
		return
	}
	m.payloads = append(m.payloads, payload)
	sealer, err := to.Sealer(writer)
	if err != nil {
		m.t.Error(err)
		return
	}
	out := slices.Clone(d[:len(d)-len(chunk)])
	m.pass(fromClient, sealer.Seal(out, m.alter(slices.Clone(payload)), int64(h.WireNumber)))
}

// unseal decrypts a packet whose number is small.
func unseal(keys *crypto.Keys, reader crypto.Role, number int64, chunk []byte) ([]byte, error) {
	opener, err := keys.Opener(reader)
	if err != nil {
		return nil, err
	}
	return opener.Open(nil, chunk, number)
}

// hasRead reports whether the middleman has read a text.
func (m *middleman) hasRead(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.payloads, func(p []byte) bool { return bytes.Contains(p, []byte(text)) })
}

// knownKeys are what the middleman has got out of its handshakes.
func (m *middleman) knownKeys() []crypto.Keys {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []crypto.Keys{m.withClient, m.withServer}
}

// Disguises.

// unsigned claims to be the victim, with a certificate that nobody has signed.
func unsigned(victim gns.Identity, _ presented) part { return part{identity: victim} }

// certifiedBy claims to be the victim, with a certificate of eve's own authority.
func certifiedBy(ca *realm) disguise {
	return func(victim gns.Identity, _ presented) part {
		return part{identity: victim, cred: ca.issue(victim)}
	}
}

// withCertificate shows the victim's certificate, which is no secret, and eve's crypt info.
func withCertificate(victim gns.Identity, shown presented) part {
	return part{identity: victim, tamper: func(p *presented) { p.cert, p.beside = shown.cert, shown.beside }}
}

// withEverything shows the victim's certificate and crypt info.
func withEverything(victim gns.Identity, shown presented) part {
	return part{identity: victim, tamper: func(p *presented) { *p = shown }}
}

// undisguised is eve, with a certificate of hers.
func undisguised(cert *credential) disguise {
	return func(gns.Identity, presented) part { return part{identity: eve, cred: cert} }
}

// newKeyLog returns a key log, and what reads the keys in it once a connection is there.
func newKeyLog(t testing.TB) (*lockedBuffer, func() crypto.Keys) {
	b := new(lockedBuffer)
	return b, func() crypto.Keys {
		t.Helper()
		keys, err := crypto.ParseKeyLogLine(b.String())
		require.NoError(t, err)
		return keys
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
