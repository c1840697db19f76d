package pki_test

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// pkiVectors are the parts of testdata/vectors/crypto.json that belong to this package.
type pkiVectors struct {
	CAKeyIDs []struct {
		Public hexBytes `json:"public"`
		KeyID  uint64   `json:"key_id,string"`
	} `json:"ca_key_ids"`
	CertRequests []struct {
		Identity string   `json:"identity"`
		Request  hexBytes `json:"request"`
	} `json:"cert_requests"`
	PKI struct {
		Time        int64 `json:"time"`
		BuiltInRoot struct {
			KeyID uint64 `json:"key_id,string"`
		} `json:"built_in_root"`
		Keys map[string]struct {
			Seed   hexBytes `json:"seed"`
			Public hexBytes `json:"public"`
			KeyID  uint64   `json:"key_id,string"`
		} `json:"keys"`
		StoreAdds []struct {
			Name       string `json:"name"`
			SignedCert []byte `json:"signed_cert_base64"`
			OK         bool   `json:"add_ok"`
			Error      string `json:"error"`
		} `json:"store_adds"`
		ThenRevoked string `json:"then_revoked"`
		KeyStatus   []struct {
			Key            string `json:"key"`
			KeyID          uint64 `json:"key_id,string"`
			Trusted        bool   `json:"trusted_with_built_in_root"`
			Error          string `json:"error"`
			TrustedDynamic bool   `json:"trusted_when_dynamic_selfsigned_roots_are_allowed_and_no_built_in_root"`
		} `json:"key_status"`
		LeafChecks []struct {
			Name          string  `json:"name"`
			SignedCert    []byte  `json:"signed_cert_base64"`
			Time          int64   `json:"time"`
			AppID         uint32  `json:"app_id"`
			POPID         pki.POP `json:"pop_id"`
			CertOK        bool    `json:"cert_ok"`
			CertError     string  `json:"cert_error"`
			AppOK         bool    `json:"app_ok"`
			AppError      string  `json:"app_error"`
			POPOK         bool    `json:"pop_ok"`
			POPError      string  `json:"pop_error"`
			CertOKDynamic bool    `json:"cert_ok_dynamic_variant"`
		} `json:"leaf_checks"`
	} `json:"pki"`
}

func loadVectors(t testing.TB) *pkiVectors {
	t.Helper()
	var v pkiVectors
	readVectors(t, &v)
	require.NotEmpty(t, v.PKI.LeafChecks)
	return &v
}

// vectorErrors maps the words of the vectors to errors of this package.
var vectorErrors = map[string][]error{
	"identity_bound":                {pki.ErrIdentity},
	"no_expiry":                     {pki.ErrNoExpiry},
	"bad_signature_length":          {pki.ErrBadSignature},
	"not_trusted":                   {pki.ErrNotTrusted},
	"revoked":                       {pki.ErrRevoked},
	"chain_expired":                 {pki.ErrExpired},
	"leaf_expired":                  {pki.ErrExpired},
	"self_signed_root_not_built_in": {pki.ErrNotTrusted, pki.ErrSelfSigned},
	"cycle_in_chain":                {pki.ErrNotTrusted, pki.ErrCycle},
	"signer_of_ca_unknown":          {pki.ErrNotTrusted, pki.ErrUnknownAuthority},
	"scope_empty":                   {pki.ErrNotTrusted, pki.ErrScope},
	"ca_key_unknown":                {pki.ErrUnknownAuthority},
	"bad_signature":                 {pki.ErrBadSignature},
	"ca_key_id_missing":             {pki.ErrUnsigned},
	"leaf_key_invalid":              {pki.ErrKey},
	"chain_does_not_allow":          {pki.ErrScope},
	"cert_does_not_allow":           {pki.ErrScope},
}

func requireVectorError(t testing.TB, err error, word string) {
	t.Helper()
	kinds := vectorErrors[word]
	require.NotEmpty(t, kinds, "no error for %q", word)
	for _, kind := range kinds {
		require.ErrorIs(t, err, kind, "for %q", word)
	}
}

// vectorStore is told what the vectors tell Valve's store, which either has a built-in root or takes
// self-signed certificates for roots.
func vectorStore(t testing.TB, v *pkiVectors, dynamic bool) *pki.Store {
	t.Helper()
	s := newStore(t)
	if !dynamic {
		require.NoError(t, s.AddRoot([]byte(v.PKI.Keys["root"].Public)))
	}
	for _, row := range v.PKI.StoreAdds {
		err := s.AddCertificate(row.SignedCert)
		if !row.OK {
			require.Error(t, err, row.Name)
			requireVectorError(t, err, row.Error)
			continue
		}
		require.NoError(t, err, row.Name)
		c, err := pki.Parse(row.SignedCert)
		require.NoError(t, err, row.Name)
		if dynamic && c.SelfSigned() {
			require.NoError(t, s.AddRootCertificate(row.SignedCert), row.Name)
		}
	}
	require.NoError(t, s.Revoke(v.PKI.Keys[v.PKI.ThenRevoked].KeyID))
	return s
}

func TestKeyIDsOfValve(t *testing.T) {
	t.Parallel()
	for _, row := range loadVectors(t).CAKeyIDs {
		s, err := pki.NewStore([]byte(row.Public))
		require.NoError(t, err)
		_, err = s.KeyStatus(row.KeyID, now)
		require.NoError(t, err)
		require.True(t, s.RemoveRoot(row.KeyID))
		require.True(t, s.IsEmpty())
	}
}

func TestKeyStatusOfValve(t *testing.T) {
	t.Parallel()
	v := loadVectors(t)
	at := time.Unix(v.PKI.Time, 0)
	builtIn, dynamic := vectorStore(t, v, false), vectorStore(t, v, true)
	require.NotEmpty(t, v.PKI.KeyStatus)
	for _, row := range v.PKI.KeyStatus {
		t.Run(row.Key, func(t *testing.T) {
			t.Parallel()
			_, err := builtIn.KeyStatus(row.KeyID, at)
			require.Equal(t, row.Trusted, err == nil, "%v", err)
			switch {
			case row.Trusted:
			case row.Error == "not_trusted" && errors.Is(err, pki.ErrUnknownAuthority):
				// For Valve, too, a key without certificates is just not trusted.
			default:
				requireVectorError(t, err, row.Error)
			}
			_, err = dynamic.KeyStatus(row.KeyID, at)
			require.Equal(t, row.TrustedDynamic, err == nil, "%v", err)
		})
	}
}

func TestLeafChecksOfValve(t *testing.T) {
	t.Parallel()
	v := loadVectors(t)
	builtIn, dynamic := vectorStore(t, v, false), vectorStore(t, v, true)
	for _, row := range v.PKI.LeafChecks {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			var signed pb.CMsgSteamDatagramCertificateSigned
			require.NoError(t, proto.Unmarshal(row.SignedCert, &signed))
			_, err := dynamic.VerifyCert(&signed, row.Time)
			require.Equal(t, row.CertOKDynamic, err == nil, "%v", err)

			scope, err := builtIn.VerifyCert(&signed, row.Time)
			require.Equal(t, row.CertOK, err == nil, "%v", err)
			if !row.CertOK {
				requireVectorError(t, err, row.CertError)
				return
			}
			c, err := pki.Parse(row.SignedCert)
			require.NoError(t, err)
			again, err := builtIn.Verify(c, time.Unix(row.Time, 0))
			require.NoError(t, err)
			require.Equal(t, scope, again)

			err = pki.CheckApp(c, &scope, row.AppID)
			require.Equal(t, row.AppOK, err == nil, "%v", err)
			if !row.AppOK {
				requireVectorError(t, err, row.AppError)
				require.Equal(t, row.AppError == "cert_does_not_allow", pki.CheckApp(c, nil, row.AppID) != nil)
			}
			err = pki.CheckPOP(c, &scope, row.POPID)
			require.Equal(t, row.POPOK, err == nil, "%v", err)
			if !row.POPOK {
				requireVectorError(t, err, row.POPError)
				require.Equal(t, row.POPError == "cert_does_not_allow", pki.CheckPOP(c, nil, row.POPID) != nil)
			}
		})
	}
}

// Signing is deterministic, so whoever is given the same things must make the same bytes.
func TestAuthoritiesSignAsInTheVectors(t *testing.T) {
	t.Parallel()
	v := loadVectors(t)
	signers := make(map[uint64]*pki.Authority)
	for n := range byte(13) {
		a := authority(t, n+1)
		signers[a.KeyID()] = a
	}
	same := 0
	blobs := make(map[string][]byte)
	for _, row := range v.PKI.StoreAdds {
		blobs[row.Name] = row.SignedCert
	}
	for _, row := range v.PKI.LeafChecks {
		blobs[row.Name] = row.SignedCert
	}
	for name, blob := range blobs {
		c, err := pki.Parse(blob)
		if err != nil || signers[c.AuthorityKeyID] == nil {
			continue
		}
		if c.CheckSignature(signers[c.AuthorityKeyID].PublicKey()) != nil || name == "W_all_marker_by_A" {
			continue
		}
		made, err := signers[c.AuthorityKeyID].Sign(pki.Template{
			Key: c.Key, Identity: c.Identity, AppIDs: c.AppIDs, POPs: c.POPs, Addresses: c.Addresses, Created: c.Created, Expiry: c.Expiry,
		})
		if err != nil {
			continue // peers without app ids and the like
		}
		if c.IsAuthority() {
			require.Equal(t, blob, made.Marshal(), name)
			same++
		} else {
			require.Equal(t, c.Identity, made.Identity)
		}
	}
	require.GreaterOrEqual(t, same, 10)
}

func TestRequestsOfValve(t *testing.T) {
	t.Parallel()
	for _, row := range loadVectors(t).CertRequests {
		t.Run(row.Identity, func(t *testing.T) {
			t.Parallel()
			k, id, err := pki.ParseRequest(row.Request)
			require.NoError(t, err)
			tmpl := leaf(0, "")
			tmpl.Key, tmpl.Identity = nil, crypto.Identity{}
			ca := authority(t, 1)
			if row.Identity == "(default, localhost)" {
				require.True(t, id.IsZero())
				_, err = ca.SignRequest(row.Request, tmpl)
				require.ErrorIs(t, err, pki.ErrIdentity)
				tmpl.Identity = crypto.GenericString("named by the authority")
			} else {
				require.Equal(t, row.Identity, id.String())
			}
			c, err := ca.SignRequest(row.Request, tmpl)
			require.NoError(t, err)
			require.Equal(t, k, c.Key)
			if !id.IsZero() {
				require.Equal(t, id, c.Identity)
			} else {
				require.Equal(t, tmpl.Identity, c.Identity)
			}
		})
	}
}
