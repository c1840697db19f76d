package pki_test

import (
	"testing"

	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func verification(t testing.TB) (*pki.Store, *pb.CMsgSteamDatagramCertificateSigned) {
	s := newStore(t, 1)
	scoped := template(2)
	scoped.AppIDs = []uint32{0, 730}
	add(t, s, sign(t, 1, scoped))
	var signed pb.CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal(sign(t, 2, leaf(20, "alice")).Marshal(), &signed))
	return s, &signed
}

// A handshake verifies one certificate. What it allocates is what the parsed certificate is made of.
func TestVerificationAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s, signed := verification(t)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := s.VerifyCert(signed, now.Unix()); err != nil {
			t.Fatal(err)
		}
	}), 12.0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := s.KeyStatus(keyIDOf2, now); err != nil {
			t.Fatal(err)
		}
	}))
}

var keyIDOf2 = keyID(2)

func BenchmarkVerifyCert(b *testing.B) {
	s, signed := verification(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.VerifyCert(signed, now.Unix()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeyStatus(b *testing.B) {
	s, _ := verification(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.KeyStatus(keyIDOf2, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	a, tmpl := authority(b, 1), leaf(20, "alice")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Sign(tmpl); err != nil {
			b.Fatal(err)
		}
	}
}

// A full store is told of one more thing.
func BenchmarkChange(b *testing.B) {
	s := newStore(b, 1)
	a := authority(b, 1)
	var trust pki.Trust
	trust.Roots = s.Roots()
	for n := range pki.MaxAuthorities - 1 {
		tmpl := template(2)
		tmpl.AppIDs = []uint32{uint32(n)}
		c, err := a.Sign(tmpl)
		require.NoError(b, err)
		trust.Certificates = append(trust.Certificates, c.Marshal())
	}
	require.NoError(b, s.SetTrust(trust))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Revoke(7); err != nil {
			b.Fatal(err)
		}
	}
}
