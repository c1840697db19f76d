package gns_test

import (
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// certifiedPeer is a peer with a certificate, or one who trusts the authority without having any.
func (w *world) certifiedPeer(name string, office *postOffice, r *realm, certified bool) *peer {
	p := &peer{w: w, id: gns.GenericString(name), m: w.machine(), accept: true}
	p.ice = &simICE{w: w, m: p.m}
	opts := gns.Options{Identity: p.id, ICE: p.ice, Signaling: office}
	if certified {
		opts.TrustedCAs, opts.Certificate = r.keys(), r.issue(p.id).blob()
	}
	p.Sockets = w.open(p.m, opts)
	p.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		p.events = append(p.events, e)
		if p.accept && e.Info.State == gns.StateConnecting && e.Info.ListenSocket != 0 {
			require.NoError(w.t, p.AcceptConnection(e.Conn))
		}
	})
	return p
}

func TestVirtualP2PAuthentication(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office, r := newPostOffice(), newRealm(t)
		alice, bob := w.certifiedPeer("alice", office, r, true), w.certifiedPeer("bob", office, r, true)
		carol := w.certifiedPeer("carol", office, r, false)
		for _, p := range []*peer{bob, carol} {
			_, err := p.CreateListenSocketP2P(0)
			require.NoError(t, err)
		}
		c, err := alice.ConnectP2P(bob.id, 0)
		require.NoError(t, err)
		w.pass(time.Second, alice, bob)
		require.Equal(t, found, alice.states(c))
		info, err := bob.ConnectionInfo(bob.incoming())
		require.NoError(t, err)
		require.Equal(t, gns.AssuranceProven, info.Auth.Assurance)

		c, err = carol.ConnectP2P(bob.id, 0)
		require.NoError(t, err)
		w.pass(time.Second, carol, bob)
		info, err = carol.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, gns.StateClosedByPeer, info.State, "it is told why, at once")
		require.Equal(t, gns.EndRemoteBadCert, info.EndReason)

		c, err = alice.ConnectP2P(carol.id, 0)
		require.NoError(t, err)
		w.pass(time.Second, carol, alice)
		info, err = alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, gns.StateProblemDetectedLocally, info.State)
		require.Equal(t, gns.EndRemoteBadCert, info.EndReason)
		require.Equal(t, gns.StateClosedByPeer, carol.events[len(carol.events)-1].Info.State)
	})
}

func TestVirtualP2PIdiom(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		alice, bob := w.peer("alice", office), w.peer("bob", office)
		l, err := gns.ListenP2P(9, gns.WithSockets(bob.Sockets), gns.WithAcceptFunc(func(info gns.ConnectionInfo) error {
			if info.Identity != alice.id {
				return &gns.CloseError{Reason: 1700, Debug: "only alice"}
			}
			return nil
		}))
		require.NoError(t, err)
		require.False(t, l.Addr().IsValid())
		go func() {
			c, err := l.Accept(w.ctx)
			if err != nil {
				t.Error(err)
				return
			}
			m, err := c.Receive(w.ctx)
			if err != nil {
				t.Error(err)
				return
			}
			if err := c.Send(m.Data, gns.SendReliable); err != nil {
				t.Error(err)
			}
			m.Release()
		}()
		c, err := gns.DialP2P(w.ctx, bob.id, 9, gns.WithSockets(alice.Sockets))
		require.NoError(t, err)
		require.NoError(t, c.Send([]byte("hello"), gns.SendReliable))
		m, err := c.Receive(w.ctx)
		require.NoError(t, err)
		require.Equal(t, "hello", string(m.Data))
		m.Release()
		require.Equal(t, bob.m.Addr(), c.RemoteAddr().Addr())
		require.Equal(t, alice.m.Addr(), c.LocalAddr().Addr())
		require.NoError(t, c.Close())

		carol := w.peer("carol", office)
		go func() { _, _ = l.Accept(w.ctx) }()
		_, err = gns.DialP2P(w.ctx, bob.id, 9, gns.WithSockets(carol.Sockets))
		var closed *gns.CloseError
		require.ErrorAs(t, err, &closed)
		require.EqualValues(t, 1700, closed.Reason)
		require.True(t, closed.ByPeer)
		_, err = gns.DialP2P(w.ctx, bob.id, 70000, gns.WithSockets(carol.Sockets))
		require.ErrorIs(t, err, gns.ErrInvalidParam)
		require.NoError(t, l.Close())
		_, err = gns.DialP2P(w.ctx, bob.id, 9, gns.WithSockets(carol.Sockets))
		require.ErrorContains(t, err, "nobody listens on the virtual port")
	})
}

// TestVirtualCloseInEveryState closes everything while connections are in every state, with signals and callbacks under way.
func TestVirtualCloseInEveryState(t *testing.T) {
	for at := time.Duration(0); at < 400*time.Millisecond; at += 10 * time.Millisecond {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			office := newPostOffice()
			alice, bob := w.peer("alice", office), w.peer("bob", office)
			l, err := bob.CreateListenSocketP2P(0)
			require.NoError(t, err)
			c, err := alice.ConnectP2P(bob.id, 0)
			require.NoError(t, err)
			w.pass(at, alice, bob)
			switch (at / (10 * time.Millisecond)) % 5 {
			case 0:
				require.NoError(t, bob.CloseListenSocket(l))
			case 1:
				require.NoError(t, alice.ResetIdentity(gns.GenericString("carol")))
			case 2:
				require.NoError(t, bob.Close())
			case 3:
				require.NoError(t, alice.CloseConnection(c, 0, "", true))
			}
			w.pass(at, alice, bob)
		})
	}
}

func TestVirtualP2PTwoPorts(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		alice, bob := w.peer("alice", office), w.peer("bob", office)
		_, err := bob.CreateListenSocketP2P(20)
		require.NoError(t, err)
		c, err := alice.ConnectP2P(bob.id, 20, config.Int32(config.LocalVirtualPort, 10), config.Int32(config.SymmetricConnect, 1))
		require.NoError(t, err)
		_, err = alice.ConnectP2P(bob.id, 20, config.Int32(config.LocalVirtualPort, 10), config.Int32(config.SymmetricConnect, 1))
		require.ErrorIs(t, err, gns.ErrDuplicateRequest)
		other, err := alice.ConnectP2P(bob.id, 20, config.Int32(config.LocalVirtualPort, 11), config.Int32(config.SymmetricConnect, 1))
		require.NoError(t, err, "another local port makes another connection")
		w.pass(time.Second, alice, bob)
		require.Equal(t, found, alice.states(c))
		require.Equal(t, found, alice.states(other))
	})
}
