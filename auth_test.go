package gns_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// statuses records what OnAuthenticationStatus is told.
func statuses(s *gns.Sockets) *[]string {
	all := new([]string)
	s.OnAuthenticationStatus(func(a gns.Availability, text string) { *all = append(*all, fmt.Sprintf("%d %s", a, text)) })
	return all
}

func TestAuthenticationWithoutAuthority(t *testing.T) {
	t.Parallel()
	s := newSockets(t, nil)
	told := statuses(s)
	for range 2 {
		require.Equal(t, gns.AvailabilityCannotTry, s.InitAuthentication())
		status, text := s.AuthenticationStatus()
		require.Equal(t, gns.AvailabilityCannotTry, status)
		require.Contains(t, text, "no certificate authority")
	}
	s.RunCallbacks()
	require.Empty(t, *told)
}

func TestDevelopmentCertificate(t *testing.T) {
	t.Parallel()
	s := newSockets(t, &gns.Options{DevelopmentCertificate: true, Identity: gns.GenericString("dev")})
	told := statuses(s)
	status, _ := s.AuthenticationStatus()
	require.Equal(t, gns.AvailabilityNeverTried, status)
	for range 2 { // the second changes nothing
		require.Equal(t, gns.AvailabilityCurrent, s.InitAuthentication())
		status, text := s.AuthenticationStatus()
		require.Equal(t, gns.AvailabilityCurrent, status)
		require.Contains(t, text, "NOTHING IS AUTHENTICATED")
	}
	require.Empty(t, *told, "RunCallbacks has not been called")
	s.RunCallbacks()
	require.Len(t, *told, 2)
	require.Regexp(t, `^3 `, (*told)[0], "Attempting")
	require.Regexp(t, `^100 .*NOTHING IS AUTHENTICATED`, (*told)[1], "Current")

	require.NoError(t, s.ResetIdentity(gns.Identity{}))
	status, _ = s.AuthenticationStatus()
	require.Equal(t, gns.AvailabilityNeverTried, status)
	require.Equal(t, gns.AvailabilityCurrent, s.InitAuthentication())
}

func TestAuthenticationCallbackAsConfiguration(t *testing.T) {
	t.Parallel()
	var got []gns.Availability
	f := config.Func(config.CallbackAuthStatusChanged, func(a gns.Availability, _ string) { got = append(got, a) })
	s := newSockets(t, &gns.Options{DevelopmentCertificate: true, Config: []config.Value{f}})
	s.InitAuthentication()
	s.OnAuthenticationStatus(nil) // too late for what is queued
	s.RunCallbacks()
	require.Equal(t, []gns.Availability{gns.AvailabilityAttempting, gns.AvailabilityCurrent}, got)

	wrong := config.Func(config.CallbackAuthStatusChanged, func() {})
	require.ErrorIs(t, s.SetConfig(config.Global, 0, wrong), gns.ErrInvalidParam)
	require.ErrorIs(t, s.SetConfig(config.Global, 0, wrong), config.ErrConversion)
	_, err := gns.New(&gns.Options{Config: []config.Value{wrong}})
	require.ErrorIs(t, err, gns.ErrInvalidParam)
}

// certificate makes one as an authority would, with what change does to it. A signature that nobody can
// check does for it.
func certificate(t *testing.T, public ed25519.PublicKey, id gns.Identity, change func(*pb.CMsgSteamDatagramCertificate)) *pb.CMsgSteamDatagramCertificateSigned {
	cert := &pb.CMsgSteamDatagramCertificate{
		KeyType:    pb.CMsgSteamDatagramCertificate_ED25519.Enum(),
		KeyData:    public,
		AppIds:     []uint32{0},
		TimeExpiry: proto.Uint32(1 << 31),
	}
	if !id.IsZero() {
		cert.IdentityString = proto.String(id.String())
	}
	if change != nil {
		change(cert)
	}
	inner, err := proto.Marshal(cert)
	require.NoError(t, err)
	return &pb.CMsgSteamDatagramCertificateSigned{Cert: inner, CaKeyId: proto.Uint64(1), CaSignature: make([]byte, 64)}
}

func marshal(t *testing.T, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	return b
}

// requested returns the key in the Sockets' certificate request.
func requested(t *testing.T, s *gns.Sockets) ed25519.PublicKey {
	request, err := s.CertificateRequest()
	require.NoError(t, err)
	var m pb.CMsgSteamDatagramCertificateRequest
	require.NoError(t, proto.Unmarshal(request, &m))
	return m.GetCert().GetKeyData()
}

func TestCertificateRequest(t *testing.T) {
	t.Parallel()
	s := newSockets(t, nil)
	request, err := s.CertificateRequest()
	require.NoError(t, err)
	require.Len(t, request, 38, "as Valve's library makes it for localhost")
	again, err := s.CertificateRequest()
	require.NoError(t, err)
	require.Equal(t, request, again, "the key is made once")
	require.NoError(t, s.ResetIdentity(gns.GenericString("other")))
	other, err := s.CertificateRequest()
	require.NoError(t, err)
	require.Contains(t, string(other), "str:other")
	require.NotContains(t, string(other), string(request[6:38]), "the key is forgotten with the identity")
}

func TestSetCertificate(t *testing.T) {
	t.Parallel()
	alice, bob := gns.GenericString("alice"), gns.GenericString("bob")
	key, err := crypto.NewSigningKey(zeros{})
	require.NoError(t, err)
	embed := func(c *pb.CMsgSteamDatagramCertificateSigned) []byte {
		c.PrivateKeyData = key.Seed()
		return marshal(t, c)
	}
	for _, test := range []struct {
		name string
		self gns.Identity
		cert func(s *gns.Sockets) []byte
		err  error
		want gns.Identity
	}{
		{"for the key of the request", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), alice, nil))
		}, nil, alice},
		{"gives an identity to who has none", gns.Identity{}, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), alice, nil))
		}, nil, alice},
		{"without identity for who has none", gns.Identity{}, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), gns.Identity{}, nil))
		}, gns.ErrInvalidParam, gns.Localhost()},
		{"expired", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), alice, func(c *pb.CMsgSteamDatagramCertificate) { c.TimeExpiry = proto.Uint32(1e9) }))
		}, gns.ErrInvalidParam, alice},
		{"without expiry", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), alice, func(c *pb.CMsgSteamDatagramCertificate) { c.TimeExpiry = nil }))
		}, gns.ErrInvalidParam, alice},
		{"without app", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), alice, func(c *pb.CMsgSteamDatagramCertificate) { c.AppIds = nil }))
		}, gns.ErrInvalidParam, alice},
		{"brings its key", alice, func(*gns.Sockets) []byte {
			return embed(certificate(t, key.Public().(ed25519.PublicKey), alice, nil))
		}, nil, alice},
		{"brings another key", alice, func(s *gns.Sockets) []byte {
			requested(t, s)
			return embed(certificate(t, key.Public().(ed25519.PublicKey), alice, nil))
		}, gns.ErrInvalidParam, alice},
		{"no key", alice, func(*gns.Sockets) []byte {
			return marshal(t, certificate(t, key.Public().(ed25519.PublicKey), alice, nil))
		}, gns.ErrInvalidState, alice},
		{"for another key", alice, func(s *gns.Sockets) []byte {
			requested(t, s)
			return marshal(t, certificate(t, key.Public().(ed25519.PublicKey), alice, nil))
		}, gns.ErrInvalidParam, alice},
		{"for another identity", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), bob, nil))
		}, gns.ErrInvalidParam, alice},
		{"without identity for who has one", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), gns.Identity{}, nil))
		}, gns.ErrInvalidParam, alice},
		{"for another app", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), alice, func(c *pb.CMsgSteamDatagramCertificate) { c.AppIds = []uint32{480} }))
		}, gns.ErrInvalidParam, alice},
		{"of another kind", alice, func(s *gns.Sockets) []byte {
			return marshal(t, certificate(t, requested(t, s), alice, func(c *pb.CMsgSteamDatagramCertificate) {
				c.KeyType = pb.CMsgSteamDatagramCertificate_INVALID.Enum()
			}))
		}, gns.ErrInvalidParam, alice},
		{"garbage", alice, func(*gns.Sockets) []byte { return []byte{0xff} }, gns.ErrInvalidParam, alice},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSockets(t, &gns.Options{Identity: test.self})
			told := statuses(s)
			err := s.SetCertificate(test.cert(s))
			s.RunCallbacks()
			id, ok := s.Identity()
			require.True(t, ok)
			require.Equal(t, test.want, id)
			status, text := s.AuthenticationStatus()
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
				require.Equal(t, gns.AvailabilityCannotTry, status)
				require.Empty(t, *told)
				return
			}
			require.NoError(t, err)
			require.Equal(t, gns.AvailabilityCurrent, status)
			require.Equal(t, "OK", text)
			require.Equal(t, []string{"100 OK"}, *told)
			require.Equal(t, gns.AvailabilityCurrent, s.InitAuthentication())
		})
	}
}

// zeros is a source of bytes that are not random.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestCertificateTravels(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		h := w.host(gns.Options{})
		client := w.open(w.machine(), gns.Options{Identity: gns.GenericString("alice")})
		require.NoError(t, client.SetCertificate(marshal(t, certificate(t, requested(t, client), gns.GenericString("alice"), nil))))
		_, err := client.ConnectByIPAddress(portOf(h.m))
		require.NoError(t, err)
		h.settle()
		require.Equal(t, gns.StateConnected, h.events[len(h.events)-1].Info.State)
		info := h.events[len(h.events)-1].Info
		require.Equal(t, "str:alice", info.Identity.String())
		require.NotZero(t, info.Flags&gns.InfoUnauthenticated, "nobody here knows the authority")
	})
}

func TestResetIdentity(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		h := w.host(gns.Options{Identity: gns.GenericString("before")})
		h.group = h.CreatePollGroup()
		client, cc, sc := h.connect()
		require.ErrorIs(t, h.ResetIdentity(gns.GenericBytes(nil)), gns.ErrInvalidParam)
		require.NoError(t, h.ResetIdentity(gns.GenericString("after")))
		h.settle()
		last := h.events[len(h.events)-1]
		require.Equal(t, sc, last.Conn)
		require.Equal(t, gns.StateNone, last.Info.State)
		require.Equal(t, gns.EndAppExceptionMax, last.Info.EndReason)
		info, err := client.ConnectionInfo(cc)
		require.NoError(t, err)
		require.Equal(t, gns.StateClosedByPeer, info.State)
		require.Equal(t, gns.EndAppExceptionMax, info.EndReason)
		for what, err := range map[string]error{
			"connection":    h.CloseConnection(sc, 0, "", false),
			"listen socket": h.CloseListenSocket(h.listen),
			"poll group":    h.DestroyPollGroup(h.group),
		} {
			require.ErrorIs(t, err, gns.ErrInvalidParam, what)
		}
		id, _ := h.Identity()
		require.Equal(t, "str:after", id.String())
		h.listen, err = h.CreateListenSocketIP(portOf(h.m))
		require.NoError(t, err, "the address is free")
		h.group = 0
		again, cc, _ := h.connect()
		info, err = again.ConnectionInfo(cc)
		require.NoError(t, err)
		require.Equal(t, "str:after", info.Identity.String())

		require.NoError(t, h.ResetIdentity(gns.Identity{}))
		id, _ = h.Identity()
		require.Equal(t, gns.Localhost(), id)
		require.NoError(t, h.Close())
		require.ErrorIs(t, h.ResetIdentity(gns.Identity{}), gns.ErrInvalidState)
	})
}

// Whoever prints a Sockets, or what it hands out, does not print its private key; and it is gone in the end.
func TestPrivateKeyStaysPrivate(t *testing.T) {
	t.Parallel()
	key, err := crypto.NewSigningKey(rand.Reader)
	require.NoError(t, err)
	cert := certificate(t, key.Public().(ed25519.PublicKey), gns.GenericString("alice"), nil)
	cert.PrivateKeyData = key.Seed()
	var log bytes.Buffer
	s, err := gns.New(&gns.Options{
		Certificate: marshal(t, cert), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	request, err := s.CertificateRequest()
	require.NoError(t, err)
	status, text := s.AuthenticationStatus()
	_, err = s.ConnectByIPAddress(netip.MustParseAddrPort("127.0.0.1:9"))
	require.NoError(t, err)
	said := fmt.Sprintf("%v %+v %#v %x %v %s %s", s, s, s, request, status, text, log.String())
	for _, form := range []string{"%x", "%X", "%v", "%d", "%q"} {
		secret := strings.Trim(fmt.Sprintf(form, key.Seed()), "[]\"")
		require.NotContains(t, said, secret, form)
	}
	require.NotContains(t, said, base64.StdEncoding.EncodeToString(key.Seed())[:40])

	held := s.PrivateKey()
	require.True(t, key.Equal(held))
	require.NoError(t, s.Close())
	require.Equal(t, make([]byte, ed25519.PrivateKeySize), []byte(held), "wiped")
}
