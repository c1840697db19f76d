package ice

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// raw is a socket of somebody who makes STUN messages by hand.
type raw struct {
	t *testing.T
	*memSocket
}

func newRaw(t *testing.T, m *machine, at string) raw {
	sock, err := m.listen(addrPort(at))
	require.NoError(t, err)
	return raw{t, sock.(*memSocket)}
}

func (r raw) send(to netip.AddrPort, setters ...stun.Setter) *stun.Message {
	msg, err := stun.Build(append([]stun.Setter{stun.TransactionID}, setters...)...)
	require.NoError(r.t, err)
	_, _ = r.WriteBatch([]udp.Datagram{{Addr: to, Data: msg.Raw}})
	return msg
}

// answers returns the types of the messages that come until nothing happens any more.
func (r raw) answers() []stun.MessageType {
	synctest.Wait()
	var types []stun.MessageType
	for {
		select {
		case d := <-r.in:
			msg := &stun.Message{Raw: d.Data}
			require.NoError(r.t, msg.Decode())
			types = append(types, msg.Type)
		default:
			return types
		}
	}
}

// "Treat incoming STUN strictly (require USERNAME + MI)."
func TestProbesAreDropped(t *testing.T) {
	const user, pwd = "alice:peer", "a password of the alice"
	integrity := stun.NewShortTermIntegrity(pwd)
	mapped := &stun.XORMappedAddress{IP: []byte{1, 2, 3, 4}, Port: 5}
	controlled, controlling := pion.AttrControlled(1), pion.AttrControlling(1)
	for _, test := range []struct {
		name string
		msg  []stun.Setter
		want []stun.MessageType
	}{
		{"a check", []stun.Setter{stun.BindingRequest, stun.NewUsername(user), controlled, integrity, stun.Fingerprint},
			[]stun.MessageType{stun.BindingSuccess}},
		{"a check without role", []stun.Setter{stun.BindingRequest, stun.NewUsername(user), integrity},
			[]stun.MessageType{stun.BindingSuccess}},
		{"nothing in it", []stun.Setter{stun.BindingRequest}, nil},
		{"nothing but a fingerprint", []stun.Setter{stun.BindingRequest, stun.Fingerprint}, nil},
		{"no integrity", []stun.Setter{stun.BindingRequest, stun.NewUsername(user), controlled, stun.Fingerprint}, nil},
		{"another's integrity", []stun.Setter{stun.BindingRequest, stun.NewUsername(user), controlled,
			stun.NewShortTermIntegrity("guess"), stun.Fingerprint}, nil},
		{"no user name", []stun.Setter{stun.BindingRequest, controlled, integrity, stun.Fingerprint}, nil},
		{"another's user name", []stun.Setter{stun.BindingRequest, stun.NewUsername("bob:peer"), controlled, integrity}, nil},
		{"another peer's user name", []stun.Setter{stun.BindingRequest, stun.NewUsername("alice:eve"), controlled, integrity}, nil},
		{"a longer user name", []stun.Setter{stun.BindingRequest, stun.NewUsername(user + "x"), controlled, integrity}, nil},
		{"the same role", []stun.Setter{stun.BindingRequest, stun.NewUsername(user), controlling, integrity}, nil},
		{"an indication", []stun.Setter{stun.NewType(stun.MethodBinding, stun.ClassIndication), stun.NewUsername(user), integrity}, nil},
		{"an answer", []stun.Setter{stun.BindingSuccess, mapped, stun.NewShortTermIntegrity("short")}, nil},
		{"a role conflict", []stun.Setter{stun.BindingError,
			stun.ErrorCodeAttribute{Code: stun.CodeRoleConflict, Reason: []byte("Role Conflict")},
			stun.NewShortTermIntegrity("short")}, nil},
		{"another method", []stun.Setter{stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.NewUsername(user), integrity}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{tell: p2p.AllCandidates})
				defer a.Close()
				toldAbout(a)
				require.NoError(t, a.Start(true, "peer", "short"))
				synctest.Wait()
				at := w.open()[0]
				r := newRaw(t, w.machine(w.internet, "203.0.113.1/24"), "203.0.113.1:5000")
				r.send(at, test.msg...)
				types := r.answers()
				require.GreaterOrEqual(t, len(types), len(test.want))
				require.Equal(t, test.want, append([]stun.MessageType(nil), types[:len(test.want)]...))
				for _, extra := range types[len(test.want):] {
					require.Equal(t, stun.BindingRequest, extra, "who passed the check is checked too")
					require.NotEmpty(t, test.want)
				}
				if test.want == nil {
					time.Sleep(time.Second) // of virtual time
					require.Empty(t, r.answers())
					in := a.Agent.(*agent)
					require.Equal(t, uint64(1), in.dropped.Load())
				}
			})
		})
	}
}

// Datagrams of strangers are not the peer's, whatever is in them.
func TestStrangersAreNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, b, route := met(t, w, w.machine(w.internet, "192.0.2.1/24"))
		r := newRaw(t, w.machine(w.internet, "203.0.113.66/24"), "203.0.113.66:5000")
		_, _ = r.WriteBatch([]udp.Datagram{
			{Addr: route.Local, Data: []byte("\x80 is how data of a connection begins")},
			{Addr: route.Local},
		})
		synctest.Wait()
		require.Empty(t, a.got)
		talk(t, a, b)
	})
}

// A datagram of the peer may look like STUN in all but its first bits or its length.
func TestDatagramsThatLookLikeSTUN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, b, _ := met(t, w, w.machine(w.internet, "192.0.2.1/24"))
		msg := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
		data := append([]byte(nil), msg.Raw...)
		data[0] = 0x80
		a.send(string(data))
		require.Equal(t, string(data), <-b.got)
		longer := string(msg.Raw) + "!"
		b.send(longer)
		require.Equal(t, longer, <-a.got)
	})
}

func FuzzSTUN(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername("alice:peer"), pion.AttrControlled(1),
		stun.NewShortTermIntegrity("a password of the alice"), stun.Fingerprint).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingSuccess, stun.NewShortTermIntegrity("pw")).Raw)
	f.Add([]byte("\x80 data"))
	w := newWorld()
	a := newPeer(f, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{})
	f.Cleanup(func() { _ = a.Close() })
	a.Gather()
	<-a.gathered
	if err := a.Start(false, "peer", "pw"); err != nil {
		f.Fatal(err)
	}
	in := a.Agent.(*agent)
	p := &port{local: addrPort("192.0.2.1:1"), carrier: nowhere{}, queries: map[transaction]query{}}
	f.Fuzz(func(t *testing.T, b []byte) {
		in.receive(p, addrPort("203.0.113.1:5000"), b)
	})
}

type nowhere struct{}

func (nowhere) WriteBatch(b []udp.Datagram) (int, error) { return len(b), nil }
func (nowhere) Close() error                             { return nil }
