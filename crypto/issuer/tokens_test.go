package issuer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/issuer"
	"github.com/stretchr/testify/require"
)

func TestTokenLists(t *testing.T) {
	t.Parallel()
	policy, err := issuer.ParseTokens([]byte("\n  # a comment\n" +
		"0123456789abcdef str:alice\r\n" +
		"\tABCDEFGH-._~+/=0\t str:guild-*   lifetime=90m\n" +
		"0123456789abcdef steamid:* lifetime=30d\n" +
		"aaaaaaaaaaaaaaaaaaaaaaaa *"))
	require.NoError(t, err)
	type line struct {
		pattern  string
		lifetime time.Duration
	}
	got := make(map[issuer.TokenHash][]line)
	for hash, list := range policy {
		for _, a := range list {
			got[hash] = append(got[hash], line{a.Identities.String(), a.Lifetime})
		}
	}
	require.Equal(t, map[issuer.TokenHash][]line{
		issuer.HashToken("0123456789abcdef"):         {{"str:alice", 0}, {"steamid:*", 30 * 24 * time.Hour}},
		issuer.HashToken("ABCDEFGH-._~+/=0"):         {{"str:guild-*", 90 * time.Minute}},
		issuer.HashToken("aaaaaaaaaaaaaaaaaaaaaaaa"): {{"*", 0}},
	}, got)
	empty, err := issuer.ParseTokens(nil)
	require.NoError(t, err)
	require.Empty(t, empty)
}

// A token may stand in any place by mistake, so nothing of a bad line is in the error.
func TestBadTokenLists(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-0123456789"
	for line, want := range map[string]string{
		"short str:alice":                                    "line 3: token has 5 characters; the limits are 16 and 256",
		strings.Repeat("x", 257) + " str:a":                  "line 3: token has 257 characters; the limits are 16 and 256",
		secret:                                               "line 3: no identity behind the token",
		"s3cr3t-012345678\"9 str:alice":                      "line 3: character 17 of the token is not a letter, a digit or one of -._~+/=",
		secret + " alice":                                    "line 3: what follows the token is neither an identity nor a pattern",
		"str:alice-0123456 " + secret:                        "line 3: character 4 of the token is not a letter, a digit or one of -._~+/=",
		secret + " " + secret:                                "line 3: what follows the token is neither an identity nor a pattern",
		secret + " ip:::1":                                   "line 3: what follows the token is neither an identity nor a pattern",
		secret + " guild*":                                   "line 3: what follows the token is neither an identity nor a pattern",
		secret + " str:alice " + secret:                      "line 3: word 3 is not lifetime=30d, which is all that may follow the identity",
		secret + " str:a lifetime=1d lifetime=1d":            "line 3: word 4 is not lifetime=30d, which is all that may follow the identity",
		secret + " str:alice lifetime=" + secret:             "line 3: lifetime is not a time such as 12h or 30d, of one second to ten years",
		secret + " str:alice lifetime=0d":                    "line 3: lifetime is not a time such as 12h or 30d, of one second to ten years",
		secret + " str:alice lifetime=-1h":                   "line 3: lifetime is not a time such as 12h or 30d, of one second to ten years",
		secret + " str:alice lifetime=1ms":                   "line 3: lifetime is not a time such as 12h or 30d, of one second to ten years",
		secret + " str:alice lifetime=3651d":                 "line 3: lifetime is not a time such as 12h or 30d, of one second to ten years",
		secret + " str:alice lifetime=99999999999999999999d": "line 3: lifetime is not a time such as 12h or 30d, of one second to ten years",
	} {
		_, err := issuer.ParseTokens([]byte("# tokens\n" + secret + " str:bob\n" + line + "\n"))
		require.EqualError(t, err, want)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
}

func TestTooManyTokens(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for n := range issuer.MaxTokens + 1 {
		fmt.Fprintf(&text, "%016d *\n", n)
	}
	_, err := issuer.ParseTokens([]byte(text.String()))
	require.EqualError(t, err, "line 65537: more than 65536 tokens")
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	identities := []crypto.Identity{
		crypto.GenericString("guild-1"), crypto.GenericString("guild"), crypto.GenericString("guild-"),
		crypto.SteamID(76561197960265729), crypto.PSNID(7), {}, crypto.SteamID(1),
	}
	for text, want := range map[string][]bool{
		"*":           {true, true, true, true, true, false, false},
		"str:*":       {true, true, true, false, false, false, false},
		"str:guild-*": {true, false, true, false, false, false, false},
		"str:guild":   {false, true, false, false, false, false, false},
		"steamid:*":   {false, false, false, true, false, false, false},
		"psn:7":       {false, false, false, false, true, false, false},
	} {
		p, err := issuer.ParsePattern(text)
		require.NoError(t, err, text)
		require.Equal(t, text, p.String())
		for i, id := range identities {
			require.Equal(t, want[i], p.Matches(id), "%s and %v", text, id)
		}
	}
	for _, id := range identities {
		require.False(t, issuer.Pattern{}.Matches(id), "the zero Pattern and %v", id)
	}
	for _, text := range []string{"", "guild-*", ":*", "**", "alice", "ip:127.0.0.1", "ip:::1", "steamid:1", strings.Repeat("x", 200) + ":*"} {
		_, err := issuer.ParsePattern(text)
		require.Error(t, err, text)
	}
}
