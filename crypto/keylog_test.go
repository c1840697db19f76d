package crypto

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const keyLogLine = "GNS_KEYS 00001234 89abcdef AES_256_GCM " +
	"0102030000000000000000000000000000000000000000000000000000000000 " +
	"0405060000000000000000000000000000000000000000000000000000000000 " +
	"070809000000000000000000 0a0b0c000000000000000000"

var keyLogKeys = Keys{
	Cipher:             CipherAES256GCM,
	ClientConnectionID: 0x1234,
	ServerConnectionID: 0x89ABCDEF,
	ClientToServer:     PacketKey{Key: [aesKeySize]byte{1, 2, 3}, IV: [ivSize]byte{7, 8, 9}},
	ServerToClient:     PacketKey{Key: [aesKeySize]byte{4, 5, 6}, IV: [ivSize]byte{10, 11, 12}},
}

// countingWriter counts calls, because several connections may share one log.
type countingWriter struct {
	bytes.Buffer
	calls int
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.calls++
	return w.Buffer.Write(p)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestKeyLogFormat(t *testing.T) {
	t.Parallel()
	var w countingWriter
	require.NoError(t, keyLogKeys.WriteKeyLog(&w))
	require.Equal(t, keyLogLine+"\n", w.String())
	require.Equal(t, 1, w.calls)

	parsed, err := ParseKeyLogLine(w.String())
	require.NoError(t, err)
	require.Equal(t, keyLogKeys, parsed)

	null := keyLogKeys
	null.Cipher = CipherNull
	w.Reset()
	require.NoError(t, null.WriteKeyLog(&w))
	parsed, err = ParseKeyLogLine(w.String())
	require.NoError(t, err)
	require.Equal(t, null, parsed)

	require.ErrorIs(t, keyLogKeys.WriteKeyLog(brokenWriter{}), errBroken)
}

func TestKeyLogRefuses(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"empty":             "",
		"another label":     strings.Replace(keyLogLine, "GNS_KEYS", "CLIENT_RANDOM", 1),
		"a field too few":   keyLogLine[:strings.LastIndexByte(keyLogLine, ' ')],
		"a field too many":  keyLogLine + " 00",
		"short client id":   strings.Replace(keyLogLine, "00001234", "1234", 1),
		"server id not hex": strings.Replace(keyLogLine, "89abcdef", "89abcdeg", 1),
		"signed id":         strings.Replace(keyLogLine, "89abcdef", "+9abcdef", 1),
		"unknown cipher":    strings.Replace(keyLogLine, "AES_256_GCM", "CHACHA20", 1),
		"key not hex":       strings.Replace(keyLogLine, "010203", "01020x", 1),
		"short key":         strings.Replace(keyLogLine, "01020300", "010203", 1),
		"long IV":           keyLogLine + "00",
	} {
		_, err := ParseKeyLogLine(line)
		require.Error(t, err, name)
	}
}

func TestReadKeyLog(t *testing.T) {
	t.Parallel()
	log := "# of two connections\n\n" + keyLogLine + "\r\nCLIENT_RANDOM 00 11\n  " + keyLogLine
	all, err := ReadKeyLog(strings.NewReader(log))
	require.NoError(t, err)
	require.Equal(t, []Keys{keyLogKeys, keyLogKeys}, all)

	all, err = ReadKeyLog(strings.NewReader(log + "\nGNS_KEYS half a line"))
	require.ErrorContains(t, err, "line 6")
	require.Len(t, all, 2)

	_, err = ReadKeyLog(strings.NewReader(strings.Repeat("x", maxKeyLogLine+1)))
	require.Error(t, err)
	_, err = ReadKeyLog(&failingReader{})
	require.True(t, errors.Is(err, errBroken))
}

func FuzzParseKeyLogLine(f *testing.F) {
	f.Add(keyLogLine)
	f.Add(strings.Replace(keyLogLine, "AES_256_GCM", "NULL", 1))
	f.Add(strings.ToUpper(keyLogLine))
	f.Fuzz(func(t *testing.T, line string) {
		keys, err := ParseKeyLogLine(line)
		if err != nil {
			require.Zero(t, keys)
			return
		}
		var w bytes.Buffer
		require.NoError(t, keys.WriteKeyLog(&w))
		again, err := ParseKeyLogLine(w.String())
		require.NoError(t, err)
		require.Equal(t, keys, again)
	})
}
