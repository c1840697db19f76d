package rendezvous

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Attributes of STUN messages.
const (
	stunUsername    = 0x0006
	stunIntegrity   = 0x0008
	stunControlled  = 0x8029
	stunControlling = 0x802a
	stunFingerprint = 0x8028
)

// stunMessage is what matters here of a STUN message.
type stunMessage struct {
	raw   []byte
	kind  uint16
	attrs map[uint16][]byte
	at    map[uint16]int // where an attribute begins
}

func parseSTUN(t testing.TB, b []byte) stunMessage {
	t.Helper()
	require.GreaterOrEqual(t, len(b), 20)
	require.EqualValues(t, 0x2112a442, binary.BigEndian.Uint32(b[4:]))
	require.Equal(t, len(b)-20, int(binary.BigEndian.Uint16(b[2:])))
	m := stunMessage{b, binary.BigEndian.Uint16(b), map[uint16][]byte{}, map[uint16]int{}}
	for at := 20; at < len(b); {
		kind, size := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		m.attrs[kind], m.at[kind] = b[at+4:at+4+size], at
		at += 4 + (size+3)/4*4
	}
	return m
}

// upTo returns the message before an attribute of a size, with the length that it has there.
func (m *stunMessage) upTo(attr uint16, size int) []byte {
	b := bytes.Clone(m.raw[:m.at[attr]])
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20+4+size))
	return b
}

func (m *stunMessage) signedWith(password string) bool {
	h := hmac.New(sha1.New, []byte(password))
	h.Write(m.upTo(stunIntegrity, sha1.Size))
	return hmac.Equal(h.Sum(nil), m.attrs[stunIntegrity])
}

// told is what one side of a session has told of its agent.
type told struct {
	passwords []string
	server    bool
}

// The recorded checks of Valve's ICE carry the user names that we derive from the connection IDs, are signed with the passwords
// in the signals, and the acceptor is the controlling side.
func TestRecordedConnectivityChecks(t *testing.T) {
	t.Parallel()
	total := 0
	for _, session := range recordings(t) {
		sides := map[string]*told{} // by user name fragment
		for _, recorded := range session.Signals {
			s, err := Parse(recorded.Hex)
			require.NoError(t, err)
			own := Ufrag(s.GetFromConnectionId())
			if sides[own] == nil {
				sides[own] = new(told)
			}
			for _, m := range s.ReliableMessages {
				if pwd := m.GetIce().GetAuth().GetPwdFrag(); pwd != "" {
					sides[own].passwords = append(sides[own].passwords, pwd)
				}
			}
			sides[own].server = sides[own].server || s.ConnectOk != nil
		}
		for i, p := range session.UDP {
			kind, _ := p.Decoded["type"].(string)
			if !strings.HasPrefix(kind, "Binding") {
				continue
			}
			m := parseSTUN(t, p.Hex)
			if m.attrs[stunFingerprint] != nil {
				sum := crc32.ChecksumIEEE(m.upTo(stunFingerprint, 4)) ^ 0x5354554e
				require.Equal(t, sum, binary.BigEndian.Uint32(m.attrs[stunFingerprint]))
			}
			if m.attrs[stunIntegrity] == nil {
				continue // from or to a STUN server
			}
			to, from, ok := strings.Cut(string(m.attrs[stunUsername]), ":")
			require.True(t, ok)
			require.Contains(t, sides, to, "%s, packet %d", session.Name, i)
			require.Contains(t, sides, from)
			require.NotEqual(t, to, from)
			signed := false
			for _, pwd := range sides[to].passwords {
				signed = signed || m.signedWith(pwd)
			}
			require.True(t, signed, "%s, packet %d: not with a password of %s", session.Name, i, to)
			require.False(t, m.signedWith("another"))
			if m.kind == 1 { // a request
				require.Equal(t, sides[from].server, m.attrs[stunControlling] != nil)
				require.Equal(t, !sides[from].server, m.attrs[stunControlled] != nil)
			}
			total++
		}
	}
	require.Greater(t, total, 50)
}
