package certfile

import (
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzzRounds keeps encrypted keys cheap.
const fuzzRounds = 2

func wantSound(t *testing.T, key ed25519.PrivateKey) {
	t.Helper()
	require.Len(t, key, ed25519.PrivateKeySize)
	require.Equal(t, ed25519.NewKeyFromSeed(key.Seed()), key, "halves that do not belong together")
}

func FuzzParsePrivateKey(f *testing.F) {
	v := loadGolden(f)
	for _, row := range v.TextFormats.PrivateKeys {
		f.Add([]byte(row.Text), []byte(nil))
	}
	for _, row := range v.SigningKeys {
		f.Add([]byte(row.Private), []byte("p"))
	}
	p := validParts()
	p.encrypt("0123456789abcdef", 1)
	f.Add(p.text(), []byte("p"))
	f.Add([]byte(lockedKey), []byte("secret"))
	f.Add([]byte(privateText(f, 1)), []byte(nil))
	f.Fuzz(func(t *testing.T, text, passphrase []byte) {
		b, err := onlyBlock(text, typePrivateKey)
		if err != nil || len(text) > maxKeyText {
			_, _, err := ParsePrivateKey(text, passphrase)
			require.Error(t, err)
			return
		}
		c, err := parseContainer(b.body)
		if err != nil {
			return
		}
		key, comment, err := c.open(passphrase, fuzzRounds)
		if err != nil {
			require.Nil(t, key)
			return
		}
		wantSound(t, key)
		require.True(t, publicOf(key).Equal(c.public))
		again, err := FormatPrivateKey(key, comment, nil)
		require.NoError(t, err)
		key2, comment2, err := ParsePrivateKey(again, nil)
		require.NoError(t, err)
		require.Equal(t, key, key2)
		require.Equal(t, comment, comment2)
	})
}

func FuzzParsePublicKey(f *testing.F) {
	v := loadGolden(f)
	for _, row := range v.TextFormats.PublicKeys {
		f.Add([]byte(row.Text))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		key, comment, err := ParsePublicKey(line)
		if err != nil {
			require.Nil(t, key)
			return
		}
		require.Len(t, key, ed25519.PublicKeySize)
		require.LessOrEqual(t, len(comment), maxComment)
		text := FormatPublicKey(key, comment)
		key2, comment2, err := ParsePublicKey(text)
		require.NoError(t, err)
		require.Equal(t, key, key2)
		if comment != "" {
			require.Equal(t, comment, comment2)
		}
		require.Equal(t, text, FormatPublicKey(key2, comment2))
	})
}

func FuzzParseCertificate(f *testing.F) {
	for _, row := range loadGolden(f).TextFormats.Certificates {
		f.Add([]byte(row.Text))
	}
	f.Add([]byte(certText(f, testCert(f, testKey(1)))))
	f.Add(appendBlock(nil, typeCertificate, testCert(f, testKey(1), embed(testKey(1))), 72))
	f.Fuzz(func(t *testing.T, text []byte) {
		signed, err := ParseCertificate(text)
		if err != nil {
			require.Nil(t, signed)
			return
		}
		require.LessOrEqual(t, len(signed), len(text))
		again, err := FormatCertificate(signed)
		if err != nil {
			outer, parseErr := outerCertificate(signed)
			require.NoError(t, parseErr)
			require.True(t, outer.PrivateKeyData != nil || len(signed) > maxCertText/2)
			return
		}
		signed2, err := ParseCertificate(again)
		require.NoError(t, err)
		require.Equal(t, signed, signed2)
	})
}

func FuzzParseBundle(f *testing.F) {
	v := loadGolden(f)
	for _, row := range v.TextFormats.PrivateKeys {
		f.Add([]byte(row.Text))
	}
	for _, row := range v.TextFormats.Certificates {
		f.Add([]byte(row.Text))
	}
	text, err := sampleBundle(f).Format(nil)
	require.NoError(f, err)
	f.Add(text)
	f.Add(appendBlock([]byte("# x\n"), typeCertificate, testCert(f, testKey(1), embed(testKey(1).Seed())), 72))
	j, err := FormatJSON(Record{PrivateKey: testKey(1), Certificate: testCert(f, testKey(1))})
	require.NoError(f, err)
	f.Add(j)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseBundle(text, []byte("p"), fuzzRounds)
		if err != nil && b == nil {
			return
		}
		if b.PrivateKey != nil {
			wantSound(t, b.PrivateKey)
			require.Nil(t, b.LockedKey)
		}
		total := 0
		for _, signed := range b.Certificates {
			outer, err := outerCertificate(signed)
			require.NoError(t, err)
			require.Nil(t, outer.PrivateKeyData)
			total += len(signed)
		}
		require.LessOrEqual(t, total, len(text))
		b.LockedKey = nil
		again, err := b.Format(nil)
		if err != nil {
			require.Greater(t, total, maxCertText/2, "%v", err)
			return
		}
		b2, err := ParseBundle(again, nil)
		require.NoError(t, err)
		for i := range b.PublicKeys { // a key without a comment gets one
			if b.PublicKeys[i].Comment == "" {
				b.PublicKeys[i].Comment = b2.PublicKeys[i].Comment
			}
		}
		require.Equal(t, b, b2)
	})
}

func FuzzJSON(f *testing.F) {
	j, err := FormatJSON(Record{PrivateKey: testKey(1), Certificate: testCert(f, testKey(1))})
	require.NoError(f, err)
	f.Add(j)
	j, err = FormatJSON(Record{PublicKey: publicOf(testKey(1))})
	require.NoError(f, err)
	f.Add(j)
	f.Add([]byte(`{"cert":"IgA=","ca_key_id":"0"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, _, err := parseJSON(text, []byte("p"), fuzzRounds)
		if err != nil {
			return
		}
		require.Len(t, r.PublicKey, ed25519.PublicKeySize)
		if r.PrivateKey != nil {
			wantSound(t, r.PrivateKey)
			require.Equal(t, r.PublicKey, publicOf(r.PrivateKey))
		}
		again, err := FormatJSON(r)
		require.NoError(t, err)
		r2, err := ParseJSON(again)
		require.NoError(t, err)
		require.Equal(t, r, r2)
	})
}

func FuzzParseRevocations(f *testing.F) {
	f.Add([]byte("# lost\n123 bob\nID456\n\n"))
	f.Add([]byte("\xef\xbb\xbfid18446744073709551615\t#x\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParseRevocations(text)
		if err != nil {
			require.Nil(t, list)
			return
		}
		require.LessOrEqual(t, len(list), len(text)/2+1)
		again := FormatRevocations(list)
		list2, err := ParseRevocations(again)
		require.NoError(t, err)
		require.Equal(t, list, list2)
		for _, r := range list {
			require.NotZero(t, r.KeyID)
		}
	})
}
