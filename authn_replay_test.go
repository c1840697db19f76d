package gns_test

import (
	"bytes"
	"context"
	"net/netip"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/udpwire"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
)

var replayed = badCrypt("replay: crypt info has been used by another connection: it is a recorded one")

// recording is what was heard of a genuine connection between alice and bob, which is still there.
type recording struct {
	t      testing.TB
	ctx    context.Context
	ca     *realm
	log    *refusals // bob's
	server *gns.Sockets
	l      *gns.Listener
	client *gns.Sockets
	dialed *gns.Conn
	other  *gns.Conn // bob's end of it
	tape   *wiretap
}

func record(t testing.TB, change func(*gns.Options)) *recording {
	t.Helper()
	r := &recording{t: t, ctx: testContext(t), ca: newRealm(t), log: newRefusals()}
	r.server = newSockets(t, r.ca.member(bob, change, func(o *gns.Options) { o.Logger = r.log.logger() }))
	r.client = newSockets(t, r.ca.member(alice, change))
	var err error
	r.l, err = gns.Listen("127.0.0.1:0", gns.WithSockets(r.server))
	require.NoError(t, err)
	r.tape = newWiretap(t, r.l.Addr())
	accepted := acceptOne(r.ctx, r.l)
	r.dialed, err = gns.Dial(r.ctx, r.tape.addr(), gns.WithSockets(r.client), gns.WithExpectedIdentity(bob))
	require.NoError(t, err)
	r.other = <-accepted
	exchange(t, r.dialed, r.other)
	return r
}

// request is the recorded request.
func (r *recording) request() *pb.CMsgSteamSockets_UDP_ConnectRequest {
	return decode(r.t, r.tape.recorded(udpwire.KindConnectRequest), udpwire.KindConnectRequest, request())
}

// answer is the recorded answer.
func (r *recording) answer() *pb.CMsgSteamSockets_UDP_ConnectOK {
	return decode(r.t, r.tape.recorded(udpwire.KindConnectOK), udpwire.KindConnectOK, connectOK())
}

// played is what the client showed, once more.
func played(m *pb.CMsgSteamSockets_UDP_ConnectRequest) presented {
	return presented{m.Cert, m.Crypt, m.GetIdentityString()}
}

// Certificate and crypt info of a client go over the network in the clear. Whoever heard them can present them
// again, from elsewhere and with a challenge of his own, but not be alice: neither while her connection lives
// nor after its end, on no listen socket, and under no connection ID.
func TestReplayedClient(t *testing.T) {
	t.Parallel()
	for mode, change := range refusers {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := record(t, change)
			m := r.request()
			try := func(l *gns.Listener, id uint32, want verdict) {
				t.Helper()
				before := r.server.Metrics()
				p := newPuppet(t, part{})
				p.id = id
				ok, closed := p.present(l.Addr(), played(m))
				require.Nil(t, ok)
				requireClosed(t, closed, want)
				after := r.server.Metrics()
				require.Greater(t, after.DroppedRefused, before.DroppedRefused)
				require.Equal(t, before.ConnectionsIn, after.ConnectionsIn)
				for len(r.log.texts) > 1 {
					<-r.log.texts
				}
				require.Equal(t, want.text, r.log.next(t, r.ctx))
			}

			second, err := gns.Listen("127.0.0.1:0", gns.WithSockets(r.server))
			require.NoError(t, err)
			duplicate := verdict{gns.EndMiscGeneric, "a connection with this identity and connection ID exists already"}
			try(r.l, m.GetClientConnectionId(), duplicate)
			try(r.l, puppetID, replayed)
			try(second, m.GetClientConnectionId(), replayed)
			exchange(t, r.dialed, r.other) // none of which did alice any harm

			require.NoError(t, r.dialed.Close())
			<-r.other.Done()
			_ = r.other.Close() // whether the last ack got through is not the point
			try(r.l, puppetID, replayed)
			try(second, m.GetClientConnectionId(), replayed)

			// She herself comes with another crypt info each time.
			accepted := acceptOne(r.ctx, r.l)
			c, err := gns.Dial(r.ctx, r.l.Addr().String(), gns.WithSockets(r.client), gns.WithExpectedIdentity(bob))
			require.NoError(t, err)
			exchange(t, c, <-accepted)
		})
	}
}

// The same the other way round: the answer of a server, from another connection of the client's.
func TestReplayedServer(t *testing.T) {
	t.Parallel()
	for mode, change := range refusers {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := record(t, change)
			m := r.answer()
			p := newPuppet(t, part{identity: bob, tamper: func(p *presented) { *p = presented{m.Cert, m.Crypt, ""} }})
			failed := make(chan error, 1)
			go func() {
				_, err := gns.Dial(r.ctx, p.sock.LocalAddr().String(), gns.WithSockets(r.client), gns.WithExpectedIdentity(bob))
				failed <- err
			}()
			requireClosed(t, p.serve(nil), replayed)
			requireEnd(t, <-failed, replayed, false)
			exchange(t, r.dialed, r.other)
		})
	}
}

// A server that was started anew does not remember what it has seen. Then a recording makes a connection; but
// it stays mute, since who plays it does not have the keys, and the server says that nothing is proven.
func TestReplayToANewServer(t *testing.T) {
	t.Parallel()
	r := record(t, requireAuth)
	server := newSockets(t, r.ca.member(bob, requireAuth))
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(server))
	require.NoError(t, err)
	accepted := acceptOne(r.ctx, l)
	p := newPuppet(t, part{})
	ok, closed := p.present(l.Addr(), played(r.request()))
	require.NotNil(t, ok, "%v", closed)
	c := <-accepted
	require.Equal(t, alice, c.RemoteIdentity())
	require.Equal(t, gns.AssuranceCertified, c.Info().Auth.Assurance)

	// The recorded packets go on with the new connection's ID.
	packets := 0
	r.tape.mu.Lock()
	for _, d := range r.tape.tape {
		if d.fromClient && udpwire.KindOf(d.data) == udpwire.KindData {
			var h udpwire.DataHeader
			chunk, parsed := udpwire.ParseDataHeader(d.data, &h)
			require.True(t, parsed)
			h.To = ok.GetServerConnectionId()
			p.write(l.Addr(), append(udpwire.AppendDataHeader(nil, &h), chunk...))
			packets++
		}
	}
	r.tape.mu.Unlock()
	require.NotZero(t, packets)
	until(t, "all of them are dropped", func() bool { return server.Metrics().DroppedUndecryptable >= uint64(packets) })
	require.Equal(t, gns.AssuranceCertified, c.Info().Auth.Assurance)
	require.Zero(t, server.Metrics().MessagesReceived)
}

// A client that has never met the server may take a recording of another's for it, and then waits in vain for
// a packet.
func TestReplayToANewClient(t *testing.T) {
	t.Parallel()
	r := record(t, requireAuth)
	m := r.answer()
	client := newSockets(t, r.ca.member(alice, requireAuth))
	p := newPuppet(t, part{identity: bob, tamper: func(p *presented) { *p = presented{m.Cert, m.Crypt, ""} }})
	type outcome struct {
		c   *gns.Conn
		err error
	}
	dialed := make(chan outcome, 1)
	go func() {
		c, err := gns.Dial(r.ctx, p.sock.LocalAddr().String(), gns.WithSockets(client), gns.WithExpectedIdentity(bob))
		if err == nil {
			err = c.Send([]byte("for bob"), gns.SendReliableNoNagle)
		}
		dialed <- outcome{c, err}
	}()
	var mute bool
	p.serve(func(from netip.AddrPort, packet []byte) {
		var h udpwire.DataHeader
		chunk, parsed := udpwire.ParseDataHeader(packet, &h)
		require.True(t, parsed)
		_, err := unseal(&p.keys, crypto.RoleServer, int64(h.WireNumber), bytes.Clone(chunk))
		mute = err != nil
	})
	require.True(t, mute, "nobody but bob can read it")
	d := <-dialed
	require.NoError(t, d.err)
	require.Equal(t, bob, d.c.RemoteIdentity())
	require.Equal(t, gns.AssuranceCertified, d.c.Info().Auth.Assurance)
}

// Among the unauthenticated recordings are not looked for: they prove nothing that a claim would not.
func TestReplayAmongTheUnauthenticated(t *testing.T) {
	t.Parallel()
	r := record(t, func(o *gns.Options) { o.TrustedCAs, o.Certificate = nil, nil })
	accepted := acceptOne(r.ctx, r.l)
	ok, closed := newPuppet(t, part{}).present(r.l.Addr(), played(r.request()))
	require.NotNil(t, ok, "%v", closed)
	info := (<-accepted).Info()
	require.Equal(t, alice, info.Identity)
	require.Equal(t, gns.AssuranceClaimed, info.Auth.Assurance)
	require.NotZero(t, info.Flags&gns.InfoUnauthenticated)
}
