package certfile

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/stretchr/testify/require"
)

func TestJSONHasTheKeysOfCerttool(t *testing.T) {
	t.Parallel()
	key, signed := testKey(1), testCert(t, testKey(1))
	text, err := FormatJSON(Record{PrivateKey: key, Certificate: signed})
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(text, &got))
	private := got["private_key"].(string)
	delete(got, "private_key")
	require.Equal(t, map[string]any{
		"public_key_id":       KeyIDText(crypto.KeyID(publicOf(key)))[2:],
		"public_key":          strings.TrimSuffix(string(FormatPublicKey(publicOf(key), "x")), "x\n"),
		"cert":                base64.StdEncoding.EncodeToString(signed),
		"ca_key_id":           "12345678901234567890",
		"app_ids":             []any{730.0, 570.0},
		"pop_ids":             []any{"iad", "stoc", "0x00000007"},
		"time_created":        1800000000.0,
		"time_created_string": "Fri Jan 15 08:00:00 2027",
		"time_expiry":         1900000000.0,
		"time_expiry_string":  "Sun Mar 17 17:46:40 2030",
	}, got)
	parsed, _, err := ParsePrivateKey([]byte(private), nil)
	require.NoError(t, err)
	require.Equal(t, key, parsed)

	record, err := ParseJSON(text)
	require.NoError(t, err)
	require.Equal(t, Record{PublicKey: publicOf(key), PrivateKey: key, Certificate: signed}, record)

	b, err := ParseBundle(text, nil)
	require.NoError(t, err)
	require.Equal(t, &Bundle{PrivateKey: key, Certificates: [][]byte{signed}}, b)
}

func TestJSONOfCerttoolIsRead(t *testing.T) {
	t.Parallel()
	row := loadGolden(t).SigningKeys[1]
	quote := func(s string) string { q, _ := json.Marshal(s); return string(q) }
	key := ed25519.NewKeyFromSeed(row.Seed)
	signed := testCert(t, key)
	cert := base64.StdEncoding.EncodeToString(signed)
	// Both verbs at once; certtool's numbers are doubles, and its strings of time are local time.
	text := `{"app_ids":[7.3e+02],"ca_key_id":"12345678901234567890","cert":"` + cert + `","private_key":` + quote(row.Private) +
		`,"public_key":` + quote(row.EmptyComment) + `,"public_key_id":"5496471085465093974","time_created":1.8e+09,` +
		`"time_created_string":"Fri Jan 15 09:00:00 2027","time_expiry":1.9e+09,"pop_ids":["iad"],"new":[{}]}`
	r, err := ParseJSON([]byte(text))
	require.NoError(t, err)
	require.Equal(t, Record{PublicKey: publicOf(key), PrivateKey: key, Certificate: signed}, r)

	r, err = ParseJSON([]byte(`{"public_key":` + quote(row.EmptyComment) + `}`))
	require.NoError(t, err)
	require.Equal(t, Record{PublicKey: publicOf(key)}, r)
	b, err := ParseBundle([]byte(`{"public_key":`+quote(row.EmptyComment)+`}`), nil)
	require.NoError(t, err)
	require.Equal(t, &Bundle{PublicKeys: []PublicKey{{Key: publicOf(key)}}}, b)
}

func TestJSONRefused(t *testing.T) {
	t.Parallel()
	valid, err := NewJSON(Record{PrivateKey: testKey(1), Certificate: testCert(t, testKey(1))})
	require.NoError(t, err)
	other, err := NewJSON(Record{PrivateKey: testKey(2), Certificate: testCert(t, testKey(2))})
	require.NoError(t, err)
	for _, tc := range []struct {
		change func(*JSON)
		want   string
	}{
		{func(j *JSON) { *j = JSON{} }, "JSON has neither public_key nor private_key nor cert"},
		{func(j *JSON) { j.PublicKey = other.PublicKey }, "cert does not belong to the public key"},
		{func(j *JSON) { j.PublicKey, j.Certificate = other.PublicKey, "" }, "private_key does not belong to the public key"},
		{func(j *JSON) { j.PrivateKey = other.PrivateKey }, "private_key does not belong to the public key"},
		{func(j *JSON) { j.Certificate = other.Certificate }, "cert does not belong to the public key"},
		{func(j *JSON) { j.PublicKeyID = other.PublicKeyID }, `public_key_id is "`},
		{func(j *JSON) { j.CAKeyID = "7" }, `ca_key_id is "7", but cert was signed by key 12345678901234567890`},
		{func(j *JSON) { j.PublicKey = "ssh-rsa AAAA" }, `public_key: public key is of type "ssh-rsa"`},
		{func(j *JSON) { j.PrivateKey = "x" }, "private_key: armored text does not start"},
		{func(j *JSON) { j.PrivateKey = strings.ReplaceAll(j.PrivateKey, "OPENSSH", "RSA") }, "private_key: armored text is of type"},
		{func(j *JSON) { j.PrivateKey = string(validParts().text()[:60]) }, "private_key: armored text has no END"},
		{func(j *JSON) { j.Certificate = "!" }, "cert: character '!'"},
		{func(j *JSON) { j.Certificate = "KQEAAAAAAAAA" }, "cert: signed certificate contains no certificate"},
		{func(j *JSON) { j.Certificate = "IgA=" }, "cert has no Ed25519 key"},
	} {
		j := *valid
		tc.change(&j)
		text, err := j.Format()
		require.NoError(t, err)
		r, err := ParseJSON(text)
		require.ErrorContains(t, err, tc.want)
		require.Equal(t, Record{}, r)
	}
	for text, want := range map[string]string{
		"": "syntax error", `{"cert":5}`: "cert is not a string", `{} {}`: "syntax error", `[]`: "is not a string",
		`{"public_key":"` + strings.Repeat("x", maxBundle) + `"}`: "more than 4194304",
	} {
		_, err := ParseJSON([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

func TestJSONWithALockedKey(t *testing.T) {
	t.Parallel()
	j, err := NewJSON(Record{PublicKey: publicOf(testKey(1))})
	require.NoError(t, err)
	j.PrivateKey = lockedKey
	text, err := j.Format()
	require.NoError(t, err)
	_, err = ParseJSON(text)
	require.ErrorIs(t, err, ErrPassphrase)
	b, err := ParseBundle(text, nil)
	require.ErrorIs(t, err, ErrPassphrase)
	require.Equal(t, publicOf(testKey(1)), b.LockedKey)
	b, err = ParseBundle(text, []byte("secret"))
	require.NoError(t, err)
	require.Equal(t, testKey(1), b.PrivateKey)
}
