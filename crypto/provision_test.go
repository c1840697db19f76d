package crypto

import (
	"crypto/ed25519"
	"math/rand/v2"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestEmbeddedKey(t *testing.T) {
	t.Parallel()
	key, err := NewSigningKey(rand.NewChaCha8([32]byte{1}))
	require.NoError(t, err)
	other, err := NewSigningKey(rand.NewChaCha8([32]byte{2}))
	require.NoError(t, err)
	require.NotEqual(t, key, other)
	for _, tt := range []struct {
		name string
		raw  []byte
		want ed25519.PrivateKey
		err  string
	}{
		{"none", nil, nil, ""},
		{"seed", key.Seed(), key, ""},
		{"seed and public key", key, key, ""},
		{"seed and another public key", append(key.Seed(), publicHalf(other)...), nil, "does not belong"},
		{"cut off", key[:31], nil, "31 bytes"},
		{"between the two", key[:33], nil, "33 bytes"},
		{"too long", append(key[:64:64], 0), nil, "65 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			signed, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{PrivateKeyData: tt.raw})
			require.NoError(t, err)
			got, err := EmbeddedKey(signed)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, tt.want, got)
		})
	}
	_, err = EmbeddedKey([]byte{0xff})
	require.ErrorContains(t, err, "does not parse")
}

func TestLocalCertCheckApp(t *testing.T) {
	t.Parallel()
	c, err := NewUnsignedCert(rand.NewChaCha8([32]byte{1}), GenericString("me"), 480)
	require.NoError(t, err)
	require.NoError(t, c.CheckApp(480))
	require.ErrorContains(t, c.CheckApp(481), "480")
}
