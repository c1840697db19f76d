package nats

import (
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/stretchr/testify/require"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"str:alice":                 "str:alice",
		"str:":                      "str:",
		"str:a b.c*>=":              "str:a=20b=2Ec=2A=3E=3D",
		"str:\xff\r\n":              "str:=FF=0D=0A",
		"str:ü":                     "str:=C3=BC",
		"ip:1.2.3.4:5":              "ip:1=2E2=2E3=2E4:5",
		"steamid:76561197960287930": "steamid:76561197960287930",
	} {
		id, err := crypto.ParseIdentity(text)
		require.NoError(t, err)
		token, err := Token(id)
		require.NoError(t, err)
		require.Equal(t, want, token)
		back, err := ParseToken(token)
		require.NoError(t, err)
		require.Equal(t, id, back)
	}
	for _, token := range []string{
		"", "alice", "str:a.b", "str:*", "str:=", "str:=2", "str:=2g", "str:=2e", "str:=61", "gen:AB", "ip:1=2E2=2E3=2E4:05",
		"later:" + strings.Repeat("x", 400), "str:=00",
	} {
		_, err := ParseToken(token)
		require.Error(t, err, token)
	}
	_, err := Token(crypto.Identity{})
	require.Error(t, err)
}

func TestPermissionsAsTheyAreConfigured(t *testing.T) {
	t.Parallel()
	p, err := PermissionsFor(crypto.GenericString("a b"), "")
	require.NoError(t, err)
	require.Equal(t, `permissions: {publish: ["gns.signal.*.str:a=20b"], subscribe: ["gns.signal.str:a=20b.*", "gns.absent.str:a=20b.*"]}`, p.String())
	p, err = PermissionsFor(alice, "game")
	require.NoError(t, err)
	require.Equal(t, []string{"game.signal.*.str:alice"}, p.Publish)
	_, err = PermissionsFor(alice, ">")
	require.Error(t, err)
	_, err = PermissionsFor(crypto.Identity{}, "")
	require.Error(t, err)
}

// FuzzToken checks that different texts have different tokens, and that tokens are one token.
func FuzzToken(f *testing.F) {
	for _, text := range []string{"str:alice", "str:=20", "ip:::1", "x:.*>", "gen:00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseToken(text); err == nil {
			token, err := Token(id)
			require.NoError(t, err)
			require.Equal(t, text, token)
		}
		id, err := crypto.ParseIdentity(text)
		if err != nil {
			return
		}
		token, err := Token(id)
		require.NoError(t, err)
		require.NotEmpty(t, token)
		require.False(t, strings.ContainsAny(token, " .*>\t\r\n\x00\""))
		back, err := ParseToken(token)
		require.NoError(t, err)
		require.Equal(t, id, back)
	})
}
