package pki_test

import (
	"crypto/ed25519"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestAStoreWithoutRootsTrustsNobody(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	require.True(t, s.IsEmpty())
	require.Empty(t, s.Roots())
	_, err := s.Verify(sign(t, 1, leaf(20, "alice")), now)
	require.ErrorIs(t, err, pki.ErrUnknownAuthority)
	require.EqualError(t, err, fmt.Sprintf("authority key %d is unknown", keyID(1)))
	_, err = pki.NewStore(public(1), public(2)[:31])
	require.ErrorIs(t, err, pki.ErrKey)
}

func TestVerificationNamesTheCheckThatFailed(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1)
	short := template(2)
	short.Expiry = now.Add(hour)
	add(t, s, sign(t, 1, short), sign(t, 9, template(3)), sign(t, 3, template(4)))
	require.NoError(t, s.Revoke(keyID(5), keyID(21)))
	add(t, s, sign(t, 1, template(5)), sign(t, 5, template(6)))
	tampered := sign(t, 1, leaf(20, "alice")).Marshal()
	tampered[40] ^= 1 // within the certificate
	brief := leaf(20, "alice")
	brief.Expiry = now.Add(time.Minute)

	message := func(signed []byte) *pb.CMsgSteamDatagramCertificateSigned {
		var m pb.CMsgSteamDatagramCertificateSigned
		require.NoError(t, proto.Unmarshal(signed, &m))
		return &m
	}
	alice := func(signer byte) *pb.CMsgSteamDatagramCertificateSigned {
		return message(sign(t, signer, leaf(20, "alice")).Marshal())
	}
	for name, row := range map[string]struct {
		cert *pb.CMsgSteamDatagramCertificateSigned
		at   time.Time
		want []error
		text string
	}{
		"nothing":   {nil, now, []error{pki.ErrMalformed}, "signed message holds no certificate"},
		"huge":      {&pb.CMsgSteamDatagramCertificateSigned{Cert: make([]byte, 1<<20)}, now, []error{pki.ErrLimit}, "certificate of 1048576 bytes; the limit is 16384"},
		"stripped":  {&pb.CMsgSteamDatagramCertificateSigned{Cert: alice(1).Cert}, now, []error{pki.ErrUnsigned}, "certificate carries no signature of an authority"},
		"key id 0":  {&pb.CMsgSteamDatagramCertificateSigned{Cert: alice(1).Cert, CaSignature: make([]byte, 64)}, now, []error{pki.ErrUnsigned}, "certificate names no authority key"},
		"short":     {&pb.CMsgSteamDatagramCertificateSigned{Cert: alice(1).Cert, CaKeyId: proto.Uint64(keyID(1)), CaSignature: make([]byte, 63)}, now, []error{pki.ErrBadSignature}, "signature by authority key 18229544062523766068 has 63 bytes instead of 64"},
		"tampered":  {message(tampered), now, []error{pki.ErrBadSignature}, "signature by authority key 18229544062523766068 is wrong"},
		"unknown":   {alice(7), now, []error{pki.ErrUnknownAuthority}, "authority key 16594827787423744510 is unknown"},
		"expired":   {message(sign(t, 1, brief).Marshal()), now.Add(61 * time.Second), []error{pki.ErrExpired}, "certificate with key 1570957013830074483 expired at 2027-01-15T08:01:00Z"},
		"old chain": {alice(2), now.Add(hour + time.Second), []error{pki.ErrExpired}, "chain of authority key 3067050237140088938 expired at 2027-01-15T09:00:00Z"},
		"orphan":    {alice(3), now, []error{pki.ErrNotTrusted, pki.ErrUnknownAuthority}, "authority key 18319222313532665526 is not trusted: authority key 1959717969191289563, which signed its certificate, is unknown"},
		"its child": {alice(4), now, []error{pki.ErrNotTrusted, pki.ErrUnknownAuthority}, "authority key 10503350081195915717 is not trusted: its chain is broken above it: authority key 18319222313532665526 is not trusted: authority key 1959717969191289563, which signed its certificate, is unknown"},
		"revoked":   {alice(5), now, []error{pki.ErrRevoked}, "authority key 18006382178182076789 is revoked"},
		"below it":  {alice(6), now, []error{pki.ErrNotTrusted, pki.ErrRevoked}, "authority key 11977077198103725426 is not trusted: authority key 18006382178182076789, which signed its certificate, is revoked"},
		"own key":   {message(sign(t, 1, leaf(21, "alice")).Marshal()), now, []error{pki.ErrRevoked}, fmt.Sprintf("key %d of the certificate is revoked", keyID(21))},
		"no expiry": {message(signRaw(t, 1, &pb.CMsgSteamDatagramCertificate{KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: public(20)})), now, []error{pki.ErrExpired, pki.ErrNoExpiry}, "certificate with key 1570957013830074483 has no expiry, which counts as expired"},
		"not one":   {message(signRaw(t, 1, &pb.CMsgSteamDatagramCertificate{KeyData: public(20)})), now, []error{pki.ErrKey}, "certificate has key type 0 instead of Ed25519"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.VerifyCert(row.cert, row.at.Unix())
			require.EqualError(t, err, row.text)
			for _, kind := range row.want {
				require.ErrorIs(t, err, kind)
			}
		})
	}
}

func TestTheSecondOfTheExpiryIsGood(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1)
	add(t, s, sign(t, 1, pki.Template{Key: public(2), Expiry: now}))
	for name, c := range map[string]*pki.Certificate{
		"of the certificate": sign(t, 1, pki.Template{Key: public(20), Expiry: now}),
		"of the chain":       sign(t, 2, template(20)),
	} {
		_, err := s.Verify(c, now.Add(999*time.Millisecond))
		require.NoError(t, err, name)
		_, err = s.Verify(c, now.Add(time.Second))
		require.ErrorIs(t, err, pki.ErrExpired, name)
	}
}

func TestChainsNarrowScopes(t *testing.T) {
	t.Parallel()
	iad, _ := pki.ParsePOP("iad")
	sto, _ := pki.ParsePOP("sto")
	upper, lower := template(2), template(3)
	upper.AppIDs, upper.POPs = []uint32{9, 1, 5, 1}, []pki.POP{sto}
	upper.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	lower.AppIDs, lower.POPs = []uint32{5, 2, 1}, []pki.POP{iad, sto}
	lower.Addresses = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("2001:db8:1::/48"), netip.MustParsePrefix("::ffff:10.0.0.0/120")}
	s := newStore(t, 1)
	add(t, s, sign(t, 2, lower), sign(t, 1, upper))
	scope, err := s.KeyStatus(keyID(2), now)
	require.NoError(t, err)
	require.Equal(t, crypto.Scope{
		AppIDs: []uint32{1, 5, 9}, POPIDs: []uint32{uint32(sto)},
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
	}, scope)
	scope, err = s.KeyStatus(keyID(3), now)
	require.NoError(t, err)
	require.Equal(t, crypto.Scope{
		AppIDs: []uint32{1, 5}, POPIDs: []uint32{uint32(sto)},
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")},
	}, scope)
}

func TestAuthoritiesWithNothingInCommonAreNotTrusted(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(upper, lower *pki.Template){
		"app":               func(u, l *pki.Template) { u.AppIDs, l.AppIDs = []uint32{1}, []uint32{2} },
		"point of presence": func(u, l *pki.Template) { u.POPs, l.POPs = []pki.POP{1}, []pki.POP{2} },
		"address": func(u, l *pki.Template) {
			u.Addresses, l.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/9")}, []netip.Prefix{netip.MustParsePrefix("10.128.0.0/9"), netip.MustParsePrefix("::/0")}
		},
	} {
		upper, lower := template(2), template(3)
		change(&upper, &lower)
		s := newStore(t, 1)
		add(t, s, sign(t, 1, upper), sign(t, 2, lower))
		_, err := s.KeyStatus(keyID(2), now)
		require.NoError(t, err, name)
		_, err = s.KeyStatus(keyID(3), now)
		require.ErrorIs(t, err, pki.ErrScope, name)
		require.ErrorIs(t, err, pki.ErrNotTrusted, name)
		require.ErrorContains(t, err, "have no "+name+" in common", name)
	}
}

func TestTheNewestCertificateCounts(t *testing.T) {
	t.Parallel()
	old, recent := template(2), template(2)
	old.AppIDs, old.Created = []uint32{1}, now.Add(-2*hour)
	recent.AppIDs, recent.Expiry = []uint32{2}, now.Add(hour)
	certs := []*pki.Certificate{sign(t, 1, old), sign(t, 1, recent)}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		s := newStore(t, 1)
		for _, i := range order {
			add(t, s, certs[i])
		}
		scope, err := s.KeyStatus(keyID(2), now)
		require.NoError(t, err)
		require.Equal(t, []uint32{2}, scope.AppIDs, "not united")
		_, err = s.KeyStatus(keyID(2), now.Add(2*hour))
		require.ErrorIs(t, err, pki.ErrExpired, "the old one does not come back")
	}
	newer := recent
	newer.Created = now
	s := newStore(t, 1)
	add(t, s, certs[0], certs[1], sign(t, 9, newer))
	scope, err := s.KeyStatus(keyID(2), now)
	require.NoError(t, err)
	require.Equal(t, []uint32{2}, scope.AppIDs, "a newer one that is not good does not count")

	twin := recent
	twin.AppIDs, twin.Expiry = []uint32{3}, now.Add(time.Minute)
	s = newStore(t, 1)
	add(t, s, certs[1], sign(t, 1, twin))
	scope, err = s.KeyStatus(keyID(2), now)
	require.NoError(t, err)
	require.Equal(t, []uint32{3}, scope.AppIDs, "of the same second: the one that expires first")
}

// The signer is no part of what is signed, so two of them may have signed the very same.
func TestTheSameCertificateByTwoSigners(t *testing.T) {
	t.Parallel()
	left, right := template(2), template(3)
	left.AppIDs, right.AppIDs = []uint32{1, 2}, []uint32{2, 3}
	certs := []*pki.Certificate{sign(t, 1, left), sign(t, 1, right), sign(t, 2, template(4)), sign(t, 3, template(4))}
	require.Equal(t, certs[2].Raw(), certs[3].Raw())
	want := left.AppIDs
	if keyID(3) < keyID(2) {
		want = right.AppIDs
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}} {
		s := newStore(t, 1)
		for _, i := range order {
			add(t, s, certs[i])
		}
		scope, err := s.KeyStatus(keyID(4), now)
		require.NoError(t, err)
		require.Equal(t, want, scope.AppIDs)
	}
}

func TestRootCertificates(t *testing.T) {
	t.Parallel()
	own := template(1)
	own.AppIDs, own.Expiry = []uint32{7}, now.Add(hour)
	cert := sign(t, 1, own)
	s := newStore(t)
	add(t, s, cert)
	_, err := s.KeyStatus(keyID(1), now)
	require.ErrorIs(t, err, pki.ErrSelfSigned, "as an intermediate")
	require.True(t, s.IsEmpty())

	require.NoError(t, s.AddRootCertificate(cert.Marshal()))
	require.Equal(t, []ed25519.PublicKey{public(1)}, s.Roots())
	scope, err := s.KeyStatus(keyID(1), now)
	require.NoError(t, err)
	require.Equal(t, crypto.Scope{AppIDs: []uint32{7}}, scope)
	_, err = s.KeyStatus(keyID(1), now.Add(2*hour))
	require.ErrorIs(t, err, pki.ErrExpired)

	require.NoError(t, s.AddRoot(public(1)))
	scope, err = s.KeyStatus(keyID(1), now.Add(2*hour))
	require.NoError(t, err, "a root known by its key has no limits")
	require.Equal(t, crypto.Scope{}, scope)
	require.Len(t, s.Roots(), 1)

	require.True(t, s.RemoveRoot(keyID(1)))
	require.False(t, s.RemoveRoot(keyID(1)))
	require.True(t, s.IsEmpty())
	_, err = s.KeyStatus(keyID(1), now)
	require.ErrorIs(t, err, pki.ErrUnknownAuthority)

	require.ErrorIs(t, s.AddRootCertificate(sign(t, 1, template(2)).Marshal()), pki.ErrNotSelfSigned)
	forged := cert.Marshal()
	forged[len(forged)-1] ^= 1
	require.ErrorIs(t, s.AddRootCertificate(forged), pki.ErrBadSignature)
	require.ErrorIs(t, s.AddRootCertificate(sign(t, 1, leaf(1, "alice")).Marshal()), pki.ErrIdentity)
}

func TestUnfitAuthorities(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1)
	unsigned, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{Cert: sign(t, 1, template(2)).Raw()})
	require.NoError(t, err)
	weak := &pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: make([]byte, 32), TimeExpiry: proto.Uint32(uint32(now.Unix())),
	}
	for name, row := range map[string]struct {
		signed []byte
		want   error
	}{
		"empty":    {nil, pki.ErrMalformed},
		"unsigned": {unsigned, pki.ErrUnsigned},
		"weak":     {signRaw(t, 1, weak), pki.ErrKey},
		"peer":     {sign(t, 1, leaf(2, "alice")).Marshal(), pki.ErrIdentity},
	} {
		require.ErrorIs(t, s.AddCertificate(row.signed), row.want, name)
	}
}

func TestRevocations(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1)
	add(t, s, sign(t, 1, template(2)), sign(t, 2, template(3)))
	require.NoError(t, s.Revoke(keyID(2), 5, keyID(2)))
	require.NoError(t, s.Revoke())
	require.True(t, s.Revoked(keyID(2)))
	require.False(t, s.Revoked(keyID(3)))
	require.Equal(t, []uint64{5, keyID(2)}, s.Revocations())
	_, err := s.KeyStatus(keyID(3), now)
	require.ErrorIs(t, err, pki.ErrRevoked)
	add(t, s, sign(t, 1, template(2)))
	require.NoError(t, s.AddRoot(public(2)))
	_, err = s.KeyStatus(keyID(2), now)
	require.ErrorIs(t, err, pki.ErrRevoked, "nothing brings it back")
	_, err = s.KeyStatus(5, now)
	require.ErrorIs(t, err, pki.ErrRevoked, "though unknown")

	require.NoError(t, s.Revoke(keyID(1)))
	require.True(t, s.IsEmpty(), "a revoked root is none")
	require.NoError(t, s.SetRoots(public(1), public(4)))
	require.Equal(t, []ed25519.PublicKey{public(4)}, s.Roots())
	require.NoError(t, s.SetTrust(pki.Trust{Roots: []ed25519.PublicKey{public(1)}}))
	require.True(t, s.IsEmpty())
	require.True(t, s.Revoked(keyID(2)))
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	roots := make([]ed25519.PublicKey, pki.MaxAuthorities)
	for i := range roots {
		roots[i] = make([]byte, ed25519.PublicKeySize) // need not be on the curve
		roots[i][0], roots[i][1], roots[i][2] = byte(i), byte(i>>8), 1
	}
	require.NoError(t, s.SetRoots(roots...))
	err := s.AddRoot(public(1))
	require.ErrorIs(t, err, pki.ErrLimit)
	require.EqualError(t, err, "store holds 1024 roots and certificates, which is the limit")
	require.ErrorIs(t, s.AddCertificate(sign(t, 1, template(2)).Marshal()), pki.ErrLimit)
	require.NoError(t, s.AddRoot(roots[5]), "is there already")
	require.NoError(t, s.SetRoots(public(1)))
	add(t, s, sign(t, 1, template(2)))

	ids := make([]uint64, pki.MaxRevocations)
	for i := range ids {
		ids[i] = uint64(i)
	}
	require.NoError(t, s.Revoke(ids...))
	err = s.Revoke(keyID(2), 0)
	require.ErrorIs(t, err, pki.ErrLimit)
	require.EqualError(t, err, "1048577 revocations; the limit is 1048576")
	require.False(t, s.Revoked(keyID(2)))
	require.NoError(t, s.Revoke(0), "is there already")
	require.Len(t, s.Revocations(), pki.MaxRevocations)
}

func TestChangesAreAllOrNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1)
	add(t, s, sign(t, 1, template(2)))
	require.ErrorIs(t, s.SetRoots(public(3), nil), pki.ErrKey)
	err := s.SetTrust(pki.Trust{Roots: []ed25519.PublicKey{public(3)}, Certificates: [][]byte{sign(t, 3, template(4)).Marshal(), {1}}})
	require.ErrorIs(t, err, pki.ErrMalformed)
	require.ErrorContains(t, err, "certificate 1: ")
	err = s.SetTrust(pki.Trust{RootCertificates: [][]byte{sign(t, 3, template(4)).Marshal()}})
	require.ErrorIs(t, err, pki.ErrNotSelfSigned)
	require.ErrorContains(t, err, "root certificate 0: ")
	require.Equal(t, []ed25519.PublicKey{public(1)}, s.Roots())
	_, err = s.KeyStatus(keyID(2), now)
	require.NoError(t, err)

	require.NoError(t, s.SetTrust(pki.Trust{
		Roots: []ed25519.PublicKey{public(3)}, RootCertificates: [][]byte{sign(t, 5, template(5)).Marshal()},
		Certificates: [][]byte{sign(t, 3, template(4)).Marshal(), sign(t, 5, template(6)).Marshal()},
	}))
	for n, want := range map[byte]bool{1: false, 2: false, 3: true, 4: true, 5: true, 6: true} {
		_, err = s.KeyStatus(keyID(n), now)
		require.Equal(t, want, err == nil, "key %d: %v", n, err)
	}
	require.NoError(t, s.SetRoots(public(1), public(3)), "root certificates go, others stay")
	for n, want := range map[byte]bool{1: true, 2: false, 3: true, 4: true, 5: false, 6: false} {
		_, err = s.KeyStatus(keyID(n), now)
		require.Equal(t, want, err == nil, "key %d: %v", n, err)
	}
}

// What callers hold or pass is theirs.
func TestStoresShareNothingThatCanBeChanged(t *testing.T) {
	t.Parallel()
	mine := public(1)
	s, err := pki.NewStore(mine)
	require.NoError(t, err)
	clear(mine)
	roots := s.Roots()
	require.Equal(t, public(1), roots[0])
	clear(roots[0])
	require.Equal(t, public(1), s.Roots()[0])
	require.NoError(t, s.Revoke(5))
	s.Revocations()[0] = 6
	require.True(t, s.Revoked(5))
}
