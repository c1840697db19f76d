package pki_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestAuthoritiesRefuse(t *testing.T) {
	t.Parallel()
	small, err := hex.DecodeString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")
	require.NoError(t, err)
	for name, row := range map[string]struct {
		change func(*pki.Template)
		want   error
		text   string
	}{
		"no key":               {func(p *pki.Template) { p.Key = nil }, pki.ErrKey, "Ed25519 public key of 0 bytes; it needs 32"},
		"private key":          {func(p *pki.Template) { p.Key = ed25519.PublicKey(key(20)) }, pki.ErrKey, "of 64 bytes"},
		"weak key":             {func(p *pki.Template) { p.Key = small }, pki.ErrKey, "small order"},
		"no expiry":            {func(p *pki.Template) { p.Expiry = time.Time{} }, pki.ErrNoExpiry, "would have no expiry"},
		"expiry at 0":          {func(p *pki.Template) { p.Created, p.Expiry = time.Time{}, time.Unix(0, 0) }, pki.ErrNoExpiry, "would have no expiry"},
		"expiry before 1970":   {func(p *pki.Template) { p.Created, p.Expiry = time.Time{}, time.Unix(-5, 0) }, pki.ErrNoExpiry, "would have no expiry"},
		"expired when made":    {func(p *pki.Template) { p.Expiry = p.Created.Add(-time.Second) }, pki.ErrExpired, "expiry 2027-01-15T06:59:59Z is before the time of creation 2027-01-15T07:00:00Z"},
		"32-bit time overflow": {func(p *pki.Template) { p.Expiry = time.Date(2038, 1, 19, 0, 0, 0, 0, time.UTC) }, pki.ErrExpired, "expiry 2038-01-19T00:00:00Z is too late"},
		"made before 1970":     {func(p *pki.Template) { p.Created = time.Unix(-1, 0) }, pki.ErrMalformed, "time of creation 1969"},
		"made at 0":            {func(p *pki.Template) { p.Created = time.Unix(0, 0) }, pki.ErrMalformed, "time of creation 1970"},
		"identity, no apps":    {func(p *pki.Template) { p.AppIDs = nil }, pki.ErrScope, "certificate for str:alice lists no app ids"},
		"app wildcard":         {func(p *pki.Template) { p.AppIDs = []uint32{0xffffffff} }, pki.ErrScope, "app id 4294967295 is not for use"},
		"POP wildcard":         {func(p *pki.Template) { p.POPs = []pki.POP{0xffffffff} }, pki.ErrScope, "point of presence 0xffffffff is not for use"},
		"no address":           {func(p *pki.Template) { p.Addresses = []netip.Prefix{{}} }, pki.ErrScope, "address range invalid Prefix"},
		"localhost":            {func(p *pki.Template) { p.Identity = crypto.Localhost() }, pki.ErrIdentity, "identity ip:::1 is the anonymous one"},
		"invalid identity":     {func(p *pki.Template) { p.Identity = crypto.SteamID(1) }, pki.ErrIdentity, "SteamID 1 is not valid"},
		"clan":                 {func(p *pki.Template) { p.Identity = crypto.SteamID(103582791429521409) }, pki.ErrIdentity, "cannot be the identity of a peer"},
		"too much":             {func(p *pki.Template) { p.AppIDs = make([]uint32, pki.MaxCertificateSize) }, pki.ErrLimit, "the limit is 16384"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := leaf(20, "alice")
			row.change(&tmpl)
			_, err := authority(t, 1).Sign(tmpl)
			require.ErrorIs(t, err, row.want)
			require.ErrorContains(t, err, row.text)
		})
	}
}

// Under a key of small order, a signature of zeros is good for every message or for one in eight.
func TestWeakKeysAreWeak(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		weak, err := hex.DecodeString(text)
		require.NoError(t, err)
		forged := make([]byte, ed25519.SignatureSize)
		forged[0] = 1 // the neutral element, and 0
		found := false
		for n := 0; n < 1000 && !found; n++ {
			found = ed25519.Verify(weak, []byte{byte(n), byte(n >> 8)}, forged)
		}
		require.True(t, found, "a forgery under %s", text)
		for _, sign := range []byte{0, 0x80} {
			weak[31] = weak[31]&0x7f | sign
			_, err = pki.NewStore(weak)
			require.ErrorIs(t, err, pki.ErrKey)
		}
	}
}

func TestAuthoritiesKeepToTheirOwnCertificates(t *testing.T) {
	t.Parallel()
	iad, _ := pki.ParsePOP("iad")
	sto, _ := pki.ParsePOP("sto")
	upper := template(2)
	upper.AppIDs, upper.Expiry = []uint32{0, 730}, now.Add(3*hour)
	upper.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	lower := template(3)
	lower.AppIDs, lower.POPs = []uint32{730, 0, 440}, []pki.POP{iad}
	upperCert, lowerCert := sign(t, 1, upper), sign(t, 2, lower)
	a := authority(t, 3, lowerCert, upperCert)
	require.Equal(t, lowerCert, a.Certificate())
	require.Equal(t, now.Add(3*hour), a.Expiry())
	require.Equal(t, []uint32{0, 730}, a.Scope().AppIDs)
	last := leaf(20, "alice")
	last.Expiry = authority(t, 1).Expiry()
	sign(t, 1, last)
	last.Expiry = last.Expiry.Add(time.Second)
	_, err := authority(t, 1).Sign(last)
	require.ErrorIs(t, err, pki.ErrExpired)

	s := newStore(t, 1)
	add(t, s, upperCert, lowerCert)
	within := leaf(20, "alice")
	within.Expiry = now.Add(2 * hour)
	good := within
	good.AppIDs, good.POPs = []uint32{730}, []pki.POP{iad}
	good.Addresses = []netip.Prefix{netip.MustParsePrefix("10.1.2.3/32")}
	c, err := a.Sign(good)
	require.NoError(t, err)
	scope, err := s.Verify(c, now)
	require.NoError(t, err)
	require.NoError(t, pki.CheckApp(c, &scope, 730))
	require.NoError(t, pki.CheckPOP(c, &scope, iad))
	require.NoError(t, pki.CheckAddress(c, &scope, netip.MustParseAddr("10.1.2.3")))

	for name, row := range map[string]struct {
		change func(*pki.Template)
		want   error
		text   string
	}{
		"app":     {func(p *pki.Template) { p.AppIDs = []uint32{730, 440} }, pki.ErrScope, "permits app ids [0 730], not 440"},
		"POP":     {func(p *pki.Template) { p.POPs = []pki.POP{sto} }, pki.ErrScope, "permits points of presence [iad], not sto"},
		"address": {func(p *pki.Template) { p.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/7")} }, pki.ErrScope, "permits addresses [10.0.0.0/8], not 10.0.0.0/7"},
		"expiry":  {func(p *pki.Template) { p.Expiry = now.Add(3*hour + time.Second) }, pki.ErrExpired, "expiry 2027-01-15T11:00:01Z is after that of the authority's own certificate, 2027-01-15T11:00:00Z"},
	} {
		tmpl := within
		row.change(&tmpl)
		_, err := a.Sign(tmpl)
		require.ErrorIs(t, err, row.want, name)
		require.ErrorContains(t, err, row.text, name)
	}
}

func TestChainsOfAuthoritiesMustHold(t *testing.T) {
	t.Parallel()
	bound := sign(t, 1, leaf(2, "alice"))
	endless, err := pki.Parse(signRaw(t, 1, &pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: public(2),
	}))
	require.NoError(t, err)
	apps := func(n byte, list ...uint32) pki.Template {
		p := template(n)
		p.AppIDs = list
		return p
	}
	forgedSelf := pki.Template{Key: public(2), Expiry: now}
	forged := sign(t, 2, forgedSelf).Marshal()
	forged[len(forged)-1] ^= 1
	forgedCert, err := pki.Parse(forged)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		chain []*pki.Certificate
		want  error
	}{
		"of another":         {[]*pki.Certificate{sign(t, 1, template(3))}, pki.ErrKey},
		"of a peer":          {[]*pki.Certificate{bound}, pki.ErrIdentity},
		"without expiry":     {[]*pki.Certificate{endless}, pki.ErrNoExpiry},
		"broken":             {[]*pki.Certificate{sign(t, 1, template(2)), sign(t, 1, template(3))}, pki.ErrBadSignature},
		"forged":             {[]*pki.Certificate{forgedCert}, pki.ErrBadSignature},
		"with nothing left":  {[]*pki.Certificate{sign(t, 3, apps(2, 1)), sign(t, 1, apps(3, 2))}, pki.ErrScope},
		"wrong upper, by id": {[]*pki.Certificate{sign(t, 3, template(2)), sign(t, 1, leaf(3, "bob"))}, pki.ErrIdentity},
	} {
		_, err := pki.NewAuthority(key(2), row.chain...)
		require.ErrorIs(t, err, row.want, name)
	}
	_, err = pki.NewAuthority(key(2)[:32])
	require.ErrorIs(t, err, pki.ErrKey)
	mixed := append(bytes.Clone(key(2)[:32]), public(3)...)
	_, err = pki.NewAuthority(mixed)
	require.ErrorIs(t, err, pki.ErrKey)
	_, err = pki.NewAuthority(key(2), sign(t, 2, template(2)))
	require.NoError(t, err, "a root with a certificate of its own")
}

func TestSigningRequests(t *testing.T) {
	t.Parallel()
	alice, bob := crypto.GenericString("alice"), crypto.GenericString("bob")
	request := func(id crypto.Identity) []byte {
		r, err := crypto.CertificateRequest(public(20), id)
		require.NoError(t, err)
		return r
	}
	tmpl := func(id crypto.Identity) pki.Template {
		p := leaf(20, "")
		p.Key, p.Identity = nil, id
		return p
	}
	ca := authority(t, 1)
	for name, row := range map[string]struct{ asked, given, want crypto.Identity }{
		"named by the request":   {alice, crypto.Identity{}, alice},
		"named by the authority": {crypto.Identity{}, alice, alice},
		"named by both":          {alice, alice, alice},
	} {
		c, err := ca.SignRequest(request(row.asked), tmpl(row.given))
		require.NoError(t, err, name)
		require.Equal(t, row.want, c.Identity, name)
		require.Equal(t, public(20), c.Key, name)
	}
	_, err := ca.SignRequest(request(alice), tmpl(bob))
	require.ErrorIs(t, err, pki.ErrIdentity)
	require.EqualError(t, err, "request is for the identity str:alice instead of str:bob")
	_, err = ca.SignRequest(request(alice), tmpl(crypto.SteamID(1)))
	require.ErrorIs(t, err, pki.ErrIdentity)
	_, err = ca.SignRequest(request(crypto.Identity{}), tmpl(crypto.Identity{}))
	require.ErrorIs(t, err, pki.ErrIdentity, "its key could sign for anybody")

	other := tmpl(alice)
	other.Key = public(21)
	_, err = ca.SignRequest(request(alice), other)
	require.ErrorIs(t, err, pki.ErrKey)
	other.Key = public(20)
	_, err = ca.SignRequest(request(alice), other)
	require.NoError(t, err)
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	serialize := func(cert *pb.CMsgSteamDatagramCertificate) []byte {
		b, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateRequest{Cert: cert})
		require.NoError(t, err)
		return b
	}
	ed := pb.CMsgSteamDatagramCertificate_ED25519.Enum()
	for name, row := range map[string]struct {
		request []byte
		want    error
	}{
		"empty":        {nil, pki.ErrMalformed},
		"no protobuf":  {[]byte{0xff}, pki.ErrMalformed},
		"no key":       {serialize(&pb.CMsgSteamDatagramCertificate{}), pki.ErrKey},
		"short key":    {serialize(&pb.CMsgSteamDatagramCertificate{KeyType: ed, KeyData: public(1)[:31]}), pki.ErrKey},
		"weak key":     {serialize(&pb.CMsgSteamDatagramCertificate{KeyType: ed, KeyData: make([]byte, 32)}), pki.ErrKey},
		"bad identity": {serialize(&pb.CMsgSteamDatagramCertificate{KeyType: ed, KeyData: public(1), IdentityString: proto.String("?")}), pki.ErrIdentity},
		"too long":     {make([]byte, pki.MaxRequestSize+1), pki.ErrLimit},
	} {
		_, _, err := pki.ParseRequest(row.request)
		require.ErrorIs(t, err, row.want, name)
		_, err = authority(t, 1).SignRequest(row.request, leaf(1, "alice"))
		require.ErrorIs(t, err, row.want, name)
	}
}

func TestWipedAuthoritiesSignNothing(t *testing.T) {
	t.Parallel()
	mine := key(1)
	a, err := pki.NewAuthority(mine)
	require.NoError(t, err)
	var done sync.WaitGroup
	ends := make([]error, 4)
	for i := range ends {
		done.Go(func() {
			for ends[i] == nil {
				c, err := a.Sign(leaf(20, "alice"))
				if err == nil {
					err = c.CheckSignature(public(1)) // never signed with half a key
				}
				ends[i] = err
			}
		})
	}
	a.Wipe()
	done.Wait()
	for _, err := range ends {
		require.ErrorIs(t, err, pki.ErrWiped)
	}
	a.Wipe()
	_, err = a.Sign(leaf(20, "alice"))
	require.ErrorIs(t, err, pki.ErrWiped)
	require.Equal(t, public(1), a.PublicKey())
	require.Equal(t, key(1), mine, "the authority has a copy")
}

func TestAuthoritiesPrintNoKey(t *testing.T) {
	t.Parallel()
	a := authority(t, 1)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		require.Equal(t, fmt.Sprintf("authority with key %d", keyID(1)), fmt.Sprintf(verb, a), verb)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "authority", a)
	require.Contains(t, log.String(), `"authority":{}`)
	require.Equal(t, "no authority", fmt.Sprint((*pki.Authority)(nil)))
}
