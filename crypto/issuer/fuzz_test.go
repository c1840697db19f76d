package issuer_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/issuer"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// FuzzHandler asks for anything with anything in the header. Whatever it is, the service neither breaks
// nor gives away a key, an authority or an identity that the token may not have.
func FuzzHandler(f *testing.F) {
	for _, id := range []crypto.Identity{{}, name("alice"), name("guild-1"), name("bob"), crypto.SteamID(76561197960265729)} {
		for _, token := range []string{aliceToken, guildToken, anyToken, unknown} {
			f.Add("Bearer "+token, request(f, id))
		}
	}
	f.Add("Basic x", []byte("GET"))
	f.Add("", make([]byte, pki.MaxRequestSize+1))
	may := map[string]func(text string) bool{
		aliceToken: func(text string) bool { return text == "str:alice" },
		guildToken: func(text string) bool {
			return strings.HasPrefix(text, "str:guild-") || text == "steamid:76561197960265729"
		},
		anyToken: func(string) bool { return true },
	}
	h := handler(f, config(f))
	f.Fuzz(func(t *testing.T, authorization string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/certificate", bytes.NewReader(body))
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Contains(t, []int{200, 400, 401, 403, 413}, w.Code, "%s", w.Body)
		require.NotContains(t, w.Body.String(), string(key(1).Seed()))
		if w.Code != http.StatusOK {
			text := w.Body.String()
			require.Equal(t, len(text)-1, strings.IndexByte(text, '\n'), "one line: %q", text)
			require.LessOrEqual(t, len(text), 200)
			return
		}
		c, err := pki.Parse(w.Body.Bytes())
		require.NoError(t, err)
		require.False(t, c.IsAuthority())
		require.NoError(t, c.CheckSignature(public(1)))
		fields := strings.Fields(authorization)
		require.Len(t, fields, 2)
		require.True(t, may[fields[1]](c.Identity.String()), "%s got %v", fields[1], c.Identity)
		var signed pb.CMsgSteamDatagramCertificateSigned
		require.NoError(t, proto.Unmarshal(w.Body.Bytes(), &signed))
		require.Nil(t, signed.PrivateKeyData)
	})
}

func FuzzParseTokens(f *testing.F) {
	f.Add(tokens)
	f.Add("0123456789abcdef str:alice lifetime=30d\n# comment\n\n0123456789abcdef * lifetime=1h")
	f.Fuzz(func(t *testing.T, text string) {
		policy, err := issuer.ParseTokens([]byte(text))
		if err != nil {
			require.Nil(t, policy)
			require.Regexp(t, `^line \d+: `, err.Error())
			for word := range strings.FieldsSeq(text) {
				if len(word) >= issuer.MinTokenLength {
					require.NotContains(t, err.Error(), word)
				}
			}
			return
		}
		// Each line is a token whose policy has what follows it.
		lines := 0
		for line := range strings.Lines(text) {
			fields := strings.Fields(line)
			if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
				continue
			}
			lines++
			found := false
			for _, a := range policy[issuer.HashToken(fields[0])] {
				again, err := issuer.ParsePattern(a.Identities.String())
				require.NoError(t, err)
				require.Equal(t, a.Identities, again)
				want, err := issuer.ParsePattern(fields[1])
				require.NoError(t, err)
				found = found || want == a.Identities
			}
			require.True(t, found, "%q", line)
		}
		for _, list := range policy {
			lines -= len(list)
		}
		require.Zero(t, lines)
	})
}
