package pki_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func FuzzParseCertificate(f *testing.F) {
	v := loadVectors(f)
	for _, row := range v.PKI.StoreAdds {
		f.Add(row.SignedCert)
	}
	for _, row := range v.PKI.LeafChecks {
		f.Add(row.SignedCert)
	}
	provisioned, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{
		PrivateKeyData: key(20).Seed(), Cert: sign(f, 1, leaf(20, "alice")).Raw(),
	})
	require.NoError(f, err)
	f.Add(provisioned)
	f.Fuzz(func(t *testing.T, signed []byte) {
		c, err := pki.Parse(signed)
		if err != nil {
			require.Nil(t, c)
			return
		}
		sent := c.Marshal()
		var outer pb.CMsgSteamDatagramCertificateSigned
		require.NoError(t, proto.Unmarshal(sent, &outer))
		require.Nil(t, outer.PrivateKeyData)
		require.Empty(t, outer.ProtoReflect().GetUnknown())
		require.Equal(t, c.Raw(), outer.Cert)
		again, err := pki.Parse(sent)
		require.NoError(t, err)
		require.Equal(t, c, again)
		require.Len(t, c.Key, ed25519.PublicKeySize)
		require.True(t, c.Identity.IsZero() || c.Identity.IsValid())

		// What can be read can be signed, if it is fit to be signed; and then it says the same.
		made, err := authority(t, 1).Sign(pki.Template{
			Key: c.Key, Identity: c.Identity, AppIDs: c.AppIDs, POPs: c.POPs, Addresses: c.Addresses, Created: c.Created, Expiry: c.Expiry,
		})
		if err == nil {
			require.Equal(t, c.Identity, made.Identity)
			require.Equal(t, c.AppIDs, made.AppIDs)
			require.Equal(t, c.Addresses, made.Addresses)
			_, err = newStore(t, 1).Verify(made, made.Expiry)
			require.NoError(t, err)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	for _, row := range loadVectors(f).CertRequests {
		f.Add([]byte(row.Request))
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		k, id, err := pki.ParseRequest(request)
		tmpl := leaf(0, "")
		tmpl.Key, tmpl.Identity = nil, crypto.Identity{}
		c, signErr := authority(t, 1).SignRequest(request, tmpl)
		if err != nil {
			require.Error(t, signErr)
			return
		}
		if signErr == nil {
			require.False(t, c.IsAuthority(), "a request made an authority")
			require.Equal(t, id, c.Identity)
			require.Equal(t, k, c.Key)
		}
		again, err := crypto.CertificateRequest(k, id)
		if err != nil {
			return // an identity that may be read but not written
		}
		sameKey, sameID, err := pki.ParseRequest(again)
		require.NoError(t, err)
		require.Equal(t, k, sameKey)
		require.True(t, sameID == id || sameID.IsZero() && id.IsLocalhost())
	})
}

// FuzzStore tells a store and a naive model the same and compares what they think.
func FuzzStore(f *testing.F) {
	v := loadVectors(f)
	for _, row := range v.PKI.StoreAdds {
		f.Add([]byte{0, 0}, row.SignedCert)
	}
	f.Add(bytes.Repeat([]byte{0, 1, 5, 2, 0, 1, 1, 7, 3}, 20), []byte{})
	f.Add(bytes.Repeat([]byte{5, 1, 1, 1, 2, 0, 0, 0, 5, 2, 1, 1, 1, 0, 0, 0, 9, 2, 0, 1, 0, 31, 31, 0, 0, 0}, 3), []byte{})
	f.Fuzz(func(t *testing.T, operations, signed []byte) {
		if len(signed) > 400 {
			return // the model is slow about long lists
		}
		b := newBothStores(t)
		in := bytes.NewReader(operations[:min(len(operations), 400)])
		for n := 0; n < 40 && b.operation(in); n++ {
		}
		b.add(signed, false)
		b.add(signed, true)
		requireEqualStores(t, b.model, b.store)

		var message pb.CMsgSteamDatagramCertificateSigned
		if proto.Unmarshal(signed, &message) == nil {
			_, err := b.store.VerifyCert(&message, now.Unix())
			if err == nil {
				c, err := pki.Parse(signed)
				require.NoError(t, err)
				require.Contains(t, b.model.trusted(), c.AuthorityKeyID)
				require.NoError(t, c.CheckSignature(b.model.publicKey(c.AuthorityKeyID)))
			}
		}
	})
}
