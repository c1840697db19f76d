package certfile

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/stretchr/testify/require"
)

// hexBytes are bytes that JSON has in hexadecimal.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

type textVector struct {
	Name  string   `json:"name"`
	Text  string   `json:"text"`
	OK    bool     `json:"ok"`
	Seed  hexBytes `json:"seed"`
	Error string   `json:"error"`
	KeyID uint64   `json:"key_id,string"`
}

type signingKey struct {
	Seed         hexBytes `json:"seed"`
	Public       hexBytes `json:"public"`
	KeyID        uint64   `json:"key_id,string"`
	Private      string   `json:"openssh_private_pem"`
	WithID       string   `json:"authorized_keys_with_id_comment"`
	EmptyComment string   `json:"authorized_keys_empty_comment"`
	NoComment    string   `json:"authorized_keys_null_comment"`
	Signatures   []struct {
		Message   hexBytes `json:"msg"`
		Signature hexBytes `json:"sig"`
	} `json:"signatures"`
}

type vectors struct {
	SigningKeys []signingKey `json:"signing_keys"`
	TextFormats struct {
		PrivateKeys  []textVector `json:"openssh_private_key_parse"`
		Certificates []textVector `json:"cert_pem_parse"`
		PublicKeys   []textVector `json:"authorized_keys_parse"`
	} `json:"text_formats"`
	Requests []struct {
		Identity string   `json:"identity"`
		Request  hexBytes `json:"request"`
	} `json:"cert_requests"`
	PKI struct {
		BuiltInRoot struct {
			AuthorizedKeys string `json:"authorized_keys"`
			KeyID          uint64 `json:"key_id,string"`
		} `json:"built_in_root"`
	} `json:"pki"`
}

// golden are recordings of what Valve's library reads and writes.
var golden = sync.OnceValues(func() (*vectors, error) {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", "crypto.json"))
	if err != nil {
		return nil, err
	}
	v := &vectors{}
	return v, json.Unmarshal(data, v)
})

func loadGolden(t testing.TB) *vectors {
	t.Helper()
	v, err := golden()
	require.NoError(t, err)
	return v
}

// testKey returns a key whose seed is made of one byte.
func testKey(seed byte) ed25519.PrivateKey {
	b := make([]byte, ed25519.SeedSize)
	for i := range b {
		b[i] = seed
	}
	return ed25519.NewKeyFromSeed(b)
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return publicHalf(key) }

func TestPrivateKeyVectors(t *testing.T) {
	t.Parallel()
	rows := loadGolden(t).TextFormats.PrivateKeys
	require.Len(t, rows, 16)
	for _, row := range rows {
		key, comment, err := ParsePrivateKey([]byte(row.Text), nil)
		require.Equal(t, row.OK, err == nil, "%s: %v", row.Name, err)
		if row.OK {
			require.Equal(t, []byte(row.Seed), key.Seed(), row.Name)
			require.Empty(t, comment, row.Name)
		} else {
			require.Nil(t, key, row.Name)
		}
	}
}

func TestCertificateVectors(t *testing.T) {
	t.Parallel()
	rows := loadGolden(t).TextFormats.Certificates
	require.Len(t, rows, 5)
	want, err := ParseCertificate([]byte(rows[0].Text))
	require.NoError(t, err)
	for _, row := range rows {
		signed, err := ParseCertificate([]byte(row.Text))
		if row.OK {
			require.NoError(t, err, row.Name)
			require.Equal(t, want, signed, row.Name)
		} else {
			require.ErrorContains(t, err, map[string]string{
				"bad_base64": "is not base64", "bad_armor": `armored text is of type "CERT" to "CERT"`,
			}[row.Error], row.Name)
		}
	}
	text, err := FormatCertificate(want)
	require.NoError(t, err)
	require.Equal(t, rows[0].Text, string(text), "written byte for byte like Valve's tools")
}

func TestPublicKeyVectors(t *testing.T) {
	t.Parallel()
	rows := loadGolden(t).TextFormats.PublicKeys
	require.Len(t, rows, 12)
	for _, row := range rows {
		key, _, err := ParsePublicKey([]byte(row.Text))
		require.Equal(t, row.OK, err == nil, "%s: %v", row.Name, err)
		if row.OK {
			require.Equal(t, row.KeyID, crypto.KeyID(key), row.Name)
		}
	}
}

func TestSigningKeyVectors(t *testing.T) {
	t.Parallel()
	rows := loadGolden(t).SigningKeys
	require.Len(t, rows, 4)
	for _, row := range rows {
		key, comment, err := ParsePrivateKey([]byte(row.Private), nil)
		require.NoError(t, err)
		require.Empty(t, comment)
		require.Equal(t, []byte(row.Seed), key.Seed())
		require.Equal(t, []byte(row.Public), []byte(publicOf(key)))
		require.Equal(t, row.KeyID, crypto.KeyID(publicOf(key)))
		require.Len(t, row.Signatures, 4)
		for _, s := range row.Signatures {
			require.Equal(t, []byte(s.Signature), ed25519.Sign(key, s.Message))
		}
		require.Equal(t, row.WithID+"\n", string(FormatPublicKey(publicOf(key), "")))
		for _, line := range []string{row.WithID, row.EmptyComment, row.NoComment} {
			public, comment, err := ParsePublicKey([]byte(line))
			require.NoError(t, err)
			require.Equal(t, publicOf(key), public)
			if line == row.WithID {
				require.Equal(t, KeyIDText(row.KeyID), comment)
			} else {
				require.Empty(t, comment)
			}
		}
		j, err := NewJSON(Record{PrivateKey: key})
		require.NoError(t, err)
		require.Equal(t, row.EmptyComment, j.PublicKey, "certtool leaves the blank at the end")
	}
}

func TestRequestsSurviveTheirText(t *testing.T) {
	t.Parallel()
	rows := loadGolden(t).Requests
	require.NotEmpty(t, rows)
	for _, row := range rows {
		text, err := FormatRequest(row.Request)
		require.NoError(t, err)
		got, err := ParseRequest(text)
		require.NoError(t, err)
		require.Equal(t, []byte(row.Request), got, row.Identity)
		_, err = ParseCertificate(text)
		require.ErrorContains(t, err, "STEAMDATAGRAM REQUEST", "not taken for a certificate")
	}
}
