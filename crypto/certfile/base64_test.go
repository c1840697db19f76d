package certfile

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBase64OfEveryLength(t *testing.T) {
	t.Parallel()
	data := []byte("the quick brown fox jumps over the lazy dog, \x00\xff\xfe; and then once more: the quick brown fox jumps")
	for n := range data {
		for _, width := range []int{1, 4, 70, 72} {
			text := appendBase64([]byte("x"), data[:n], width)
			for line := range strings.Lines(string(text[1:])) {
				require.LessOrEqual(t, len(line), width+1)
				require.True(t, strings.HasSuffix(line, "\n"))
			}
			for _, lenient := range []bool{true, false} {
				got, err := decodeBase64(text[1:], lenient)
				require.NoError(t, err)
				require.Equal(t, data[:n], got)
			}
			require.Equal(t, base64.StdEncoding.EncodeToString(data[:n]), strings.ReplaceAll(string(text[1:]), "\n", ""))
		}
	}
}

func TestBase64LenientAndStrict(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, lenient, strict string }{
		{"YWJj", "abc", "abc"},
		{" Y\tW\rJ\nj ", "abc", "abc"},
		{"YWI", "ab", "ab"},            // padding may be missing
		{"YWI=!!!", "ab", "ab"},        // nothing counts after it
		{"YWI\x00YWJj", "ab", "ab"},    // nor after NUL
		{"YWJjY", "abc", "\x00"},       // a character that says too little
		{"Y!W-J_j\xff", "abc", "\x00"}, // foreign characters
		{"", "", ""},
	} {
		got, err := decodeBase64([]byte(tc.text), true)
		require.NoError(t, err)
		require.Equal(t, tc.lenient, string(got), tc.text)
		got, err = decodeBase64([]byte(tc.text), false)
		if tc.strict == "\x00" {
			require.Error(t, err, tc.text)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tc.strict, string(got), tc.text)
	}
}
