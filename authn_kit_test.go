package gns_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/udpwire"
	pb "github.com/gogns/gns/proto"
	"github.com/gogns/gns/transport/udp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// In these tests alice connects, bob listens, and eve means harm.
var eve = gns.GenericString("eve")

// realm is a certificate authority of a test.
type realm struct {
	t testing.TB
	*pki.Authority
}

func newRealm(t testing.TB) *realm {
	t.Helper()
	_, r := newAuthority(t)
	return r
}

func newAuthority(t testing.TB) (ed25519.PublicKey, *realm) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	a, err := pki.NewAuthority(key)
	require.NoError(t, err)
	return public, &realm{t, a}
}

// keys returns what makes others trust the authority.
func (r *realm) keys() []ed25519.PublicKey { return []ed25519.PublicKey{r.PublicKey()} }

// template is for a certificate that was made an hour ago and is good for another hour.
func template(key ed25519.PublicKey, changes []func(*pki.Template)) pki.Template {
	now := time.Now()
	tmpl := pki.Template{Key: key, Created: now.Add(-time.Hour), Expiry: now.Add(time.Hour)}
	for _, change := range changes {
		change(&tmpl)
	}
	return tmpl
}

// subordinate makes an authority under r, which signs whatever it is asked to, and the certificate that r
// gave it, which may permit less.
func (r *realm) subordinate(changes ...func(*pki.Template)) (*realm, *pki.Certificate) {
	r.t.Helper()
	public, sub := newAuthority(r.t)
	cert, err := r.Sign(template(public, changes))
	require.NoError(r.t, err)
	return sub, cert
}

// credential is a certificate with its private key.
type credential struct {
	t    testing.TB
	cert *pki.Certificate
	key  ed25519.PrivateKey
}

// issue makes somebody a certificate for app 0.
func (r *realm) issue(id gns.Identity, changes ...func(*pki.Template)) *credential {
	r.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(r.t, err)
	tmpl := template(public, append([]func(*pki.Template){func(tmpl *pki.Template) {
		tmpl.Identity, tmpl.AppIDs = id, []uint32{0}
	}}, changes...))
	cert, err := r.Sign(tmpl)
	require.NoError(r.t, err)
	return &credential{r.t, cert, key}
}

// blob is the credential as Options.Certificate takes it.
func (c *credential) blob() []byte {
	c.t.Helper()
	var m pb.CMsgSteamDatagramCertificateSigned
	require.NoError(c.t, proto.Unmarshal(c.cert.Marshal(), &m))
	m.PrivateKeyData = c.key.Seed()
	b, err := proto.Marshal(&m)
	require.NoError(c.t, err)
	return b
}

// local is the credential as a handshake takes it.
func (c *credential) local() *crypto.LocalCert {
	c.t.Helper()
	l, err := crypto.NewLocalCert(c.cert.Marshal(), c.key)
	require.NoError(c.t, err)
	return l
}

// member is a Sockets that trusts the realm and has a certificate of it.
func (r *realm) member(id gns.Identity, changes ...func(*gns.Options)) *gns.Options {
	r.t.Helper()
	o := &gns.Options{Identity: id, TrustedCAs: r.keys(), Certificate: r.issue(id).blob()}
	for _, change := range changes {
		change(o)
	}
	return o
}

func requireAuth(o *gns.Options) { o.RequireAuth = true }

// allow sets IP_AllowWithoutAuth, for peers on this machine too.
func allow(n int32) []config.Value {
	return []config.Value{config.Int32(config.IPAllowWithoutAuth, n), config.Int32(config.IPLocalHostAllowWithoutAuth, n)}
}

// refusals is a log in which a Sockets tells whom it did not let in, and why.
type refusals struct{ texts chan string }

func newRefusals() *refusals { return &refusals{make(chan string, 1000)} }

func (r *refusals) logger() *slog.Logger { return slog.New(r) }

func (r *refusals) Enabled(context.Context, slog.Level) bool { return true }
func (r *refusals) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *refusals) WithGroup(string) slog.Handler            { return r }

func (r *refusals) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "connection refused" {
		record.Attrs(func(a slog.Attr) bool {
			if a.Key == "err" {
				select {
				case r.texts <- a.Value.String():
				default:
				}
			}
			return true
		})
	}
	return nil
}

// next waits for the next refusal.
func (r *refusals) next(t testing.TB, ctx context.Context) string {
	t.Helper()
	select {
	case text := <-r.texts:
		return text
	case <-ctx.Done():
		require.NoError(t, ctx.Err(), "waiting until somebody is refused")
		return ""
	}
}

// presented is what one side of a handshake shows the other.
type presented struct {
	cert   *pb.CMsgSteamDatagramCertificateSigned
	crypt  *pb.CMsgSteamDatagramSessionCryptInfoSigned
	beside string // identity in the message beside the certificate; empty for none
}

// part is what a puppet plays.
type part struct {
	identity    gns.Identity
	cred        *credential // nil: it makes a certificate that nobody has signed
	unencrypted int32
	version     uint32           // that it signs; 0: the current one
	stated      uint32           // that it states in the clear when it is a server; 0: the current one
	tamper      func(*presented) // has the last word
}

// puppet is a peer in the hands of a test: it shakes hands as it is told, however wrong that is, and checks
// nothing.
type puppet struct {
	batch udp.Batch
	t     testing.TB
	ctx   context.Context
	sock  udp.Conn
	id    uint32
	part  part
	hand  *crypto.Handshake
	keys  crypto.Keys // after the handshake
}

const puppetID = 0x0badf00d

// newPuppet makes a puppet on a real socket.
func newPuppet(t testing.TB, p part) *puppet {
	t.Helper()
	sock, err := udp.Listen(loopback4, udp.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sock.Close() })
	return &puppet{t: t, ctx: testContext(t), sock: sock, id: puppetID, part: p}
}

// shake begins a handshake.
func (p *part) shake(role crypto.Role) (*crypto.Handshake, error) {
	c := crypto.HandshakeConfig{
		Role: role, Random: rand.Reader, Identity: p.identity,
		LocalUnsigned: crypto.UnsignedAllow, RemoteUnsigned: crypto.UnsignedAllow,
		Unencrypted: p.unencrypted, Version: p.version,
		Now: 1, // it finds no certificate of its own too old
	}
	if p.cred != nil {
		c.Cert = p.cred.local()
	}
	return crypto.NewHandshake(c)
}

// show returns what the part shows in a handshake.
func (p *part) show(h *crypto.Handshake) presented {
	shown := presented{cert: h.SignedCert(), crypt: h.SignedCryptInfo()}
	if id := h.IdentityFields(); id.Text != nil {
		shown.beside = *id.Text
	}
	if p.tamper != nil {
		shown.cert = proto.Clone(shown.cert).(*pb.CMsgSteamDatagramCertificateSigned)
		shown.crypt = proto.Clone(shown.crypt).(*pb.CMsgSteamDatagramSessionCryptInfoSigned)
		p.tamper(&shown)
	}
	return shown
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// request is a ConnectRequest.
func (s presented) request(id uint32, challenge uint64) *pb.CMsgSteamSockets_UDP_ConnectRequest {
	return &pb.CMsgSteamSockets_UDP_ConnectRequest{
		ClientConnectionId: proto.Uint32(id), Challenge: proto.Uint64(challenge),
		Cert: s.cert, Crypt: s.crypt, IdentityString: optional(s.beside),
	}
}

// ok is a ConnectOK.
func (s presented) ok(client, server uint32) *pb.CMsgSteamSockets_UDP_ConnectOK {
	return &pb.CMsgSteamSockets_UDP_ConnectOK{
		ClientConnectionId: proto.Uint32(client), ServerConnectionId: proto.Uint32(server),
		Cert: s.cert, Crypt: s.crypt, IdentityString: optional(s.beside),
	}
}

// introduced returns what a peer says who it is.
func introduced(cert *pb.CMsgSteamDatagramCertificateSigned, beside *string) (gns.Identity, error) {
	id, _, err := crypto.PeerIdentity(cert, crypto.IdentityFields{Text: beside})
	return id, err
}

func (p *puppet) send(to netip.AddrPort, kind udpwire.Kind, m proto.Message) {
	p.t.Helper()
	b, err := udpwire.AppendMessage(nil, kind, m)
	require.NoError(p.t, err)
	p.write(to, b)
}

func (p *puppet) write(to netip.AddrPort, b []byte) {
	p.t.Helper()
	_, err := p.sock.WriteBatch([]udp.Datagram{{Addr: to, Data: b}})
	require.NoError(p.t, err)
}

// read waits for a datagram; it returns nil if none comes in the time after which clients ask again.
func (p *puppet) read() *udp.Datagram {
	p.t.Helper()
	require.NoError(p.t, p.ctx.Err())
	require.NoError(p.t, p.sock.SetReadDeadline(time.Now().Add(500*time.Millisecond)))
	if len(p.batch.Datagrams) > 1 { // read with the one before
		p.batch.Datagrams = p.batch.Datagrams[1:]
		return &p.batch.Datagrams[0]
	}
	err := p.sock.ReadBatch(&p.batch)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	require.NoError(p.t, err)
	return &p.batch.Datagrams[0]
}

// parse reads a datagram.
func decode[M proto.Message](t testing.TB, d []byte, kind udpwire.Kind, m M) M {
	t.Helper()
	require.NoError(t, udpwire.ParseMessage(d, kind, m))
	return m
}

// connect plays a client until the server has answered: with closed if it refused.
func (p *puppet) connect(to netip.AddrPort) (ok *pb.CMsgSteamSockets_UDP_ConnectOK, closed *pb.CMsgSteamSockets_UDP_ConnectionClosed) {
	p.t.Helper()
	var err error
	p.hand, err = p.part.shake(crypto.RoleClient)
	require.NoError(p.t, err)
	return p.present(to, p.part.show(p.hand))
}

// present sends the request of a client until the server has answered.
func (p *puppet) present(to netip.AddrPort, shown presented) (ok *pb.CMsgSteamSockets_UDP_ConnectOK, closed *pb.CMsgSteamSockets_UDP_ConnectionClosed) {
	p.t.Helper()
	for {
		p.send(to, udpwire.KindChallengeRequest, &pb.CMsgSteamSockets_UDP_ChallengeRequest{
			ConnectionId: proto.Uint32(p.id), ProtocolVersion: proto.Uint32(crypto.ProtocolVersion),
		})
		for d := p.read(); d != nil; d = p.read() {
			switch kind := udpwire.KindOf(d.Data); kind {
			case udpwire.KindChallengeReply:
				m := decode(p.t, d.Data, kind, &pb.CMsgSteamSockets_UDP_ChallengeReply{})
				p.send(to, udpwire.KindConnectRequest, shown.request(p.id, m.GetChallenge()))
			case udpwire.KindConnectOK:
				return decode(p.t, d.Data, kind, &pb.CMsgSteamSockets_UDP_ConnectOK{}), nil
			case udpwire.KindConnectionClosed:
				return nil, decode(p.t, d.Data, kind, &pb.CMsgSteamSockets_UDP_ConnectionClosed{})
			}
		}
	}
}

// serve plays a server to the first client that comes, until that closes the connection or, if data is
// not nil, sends a data packet, which data gets.
func (p *puppet) serve(data func(from netip.AddrPort, packet []byte)) *pb.CMsgSteamSockets_UDP_ConnectionClosed {
	p.t.Helper()
	var answer []byte
	for {
		d := p.read()
		if d == nil {
			continue
		}
		switch kind := udpwire.KindOf(d.Data); kind {
		case udpwire.KindChallengeRequest:
			m := decode(p.t, d.Data, kind, &pb.CMsgSteamSockets_UDP_ChallengeRequest{})
			version := p.part.stated
			if version == 0 {
				version = crypto.ProtocolVersion
			}
			p.send(d.Addr, udpwire.KindChallengeReply, &pb.CMsgSteamSockets_UDP_ChallengeReply{
				ConnectionId: m.ConnectionId, Challenge: proto.Uint64(1), ProtocolVersion: proto.Uint32(version),
			})
		case udpwire.KindConnectRequest:
			if answer == nil {
				m := decode(p.t, slices.Clone(d.Data), kind, &pb.CMsgSteamSockets_UDP_ConnectRequest{})
				shown, keys, err := p.part.answer(m, p.id)
				require.NoError(p.t, err)
				p.keys = keys
				answer, err = udpwire.AppendMessage(nil, udpwire.KindConnectOK, shown.ok(m.GetClientConnectionId(), p.id))
				require.NoError(p.t, err)
			}
			p.write(d.Addr, answer)
		case udpwire.KindConnectionClosed:
			m := decode(p.t, d.Data, kind, &pb.CMsgSteamSockets_UDP_ConnectionClosed{})
			p.send(d.Addr, udpwire.KindNoConnection, &pb.CMsgSteamSockets_UDP_NoConnection{
				FromConnectionId: m.ToConnectionId, ToConnectionId: m.FromConnectionId,
			})
			return m
		case udpwire.KindData:
			if data != nil {
				data(d.Addr, d.Data)
				return nil
			}
		}
	}
}

// answer is the server's half of a handshake.
func (p *part) answer(m *pb.CMsgSteamSockets_UDP_ConnectRequest, id uint32) (presented, crypto.Keys, error) {
	h, err := p.shake(crypto.RoleServer)
	if err != nil {
		return presented{}, crypto.Keys{}, err
	}
	client, err := introduced(m.Cert, m.IdentityString)
	if err != nil {
		return presented{}, crypto.Keys{}, err
	}
	if err := h.ReceivePeer(crypto.PeerMessages{Cert: m.Cert, Crypt: m.Crypt, Identity: client, Now: 1}); err != nil {
		return presented{}, crypto.Keys{}, err
	}
	keys, err := h.Finish(m.GetClientConnectionId(), id)
	if err != nil {
		return presented{}, crypto.Keys{}, err
	}
	return p.show(h), keys, nil
}
