package certfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRevocations(t *testing.T) {
	t.Parallel()
	list, err := ParseRevocations([]byte("\xef\xbb\xbf# lost laptops\r\n\r\n  123 bob's \n\nID456\t# stolen\x1b\n#ID9\nid18446744073709551615\n123"))
	require.NoError(t, err)
	want := []Revocation{{123, "bob's"}, {456, "stolen"}, {1<<64 - 1, ""}, {123, ""}}
	require.Equal(t, want, list)
	text := FormatRevocations(list)
	require.Equal(t, "ID123 bob's\nID456 stolen\nID18446744073709551615\nID123\n", string(text))
	again, err := ParseRevocations(text)
	require.NoError(t, err)
	require.Equal(t, want, again)

	list, err = ParseRevocations(nil)
	require.NoError(t, err)
	require.Empty(t, list)
	require.Empty(t, FormatRevocations(nil))
}

func TestNoRevocationIsLostInSilence(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"0", "ID", "12x", "x12", "18446744073709551616", "-5", "ssh-ed25519 AAAA", "\x00"} {
		_, err := ParseRevocations([]byte("1\n# two\n" + line + "\n4\n"))
		require.EqualError(t, err, "line 3 of the revocation list does not start with a key id", line)
	}
	_, err := ParseRevocations([]byte(strings.Repeat("1\n", maxRevocations/2+1)))
	require.ErrorContains(t, err, "more than 16777216")
}
