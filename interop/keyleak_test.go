package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/interop/peer"
	"github.com/gogns/gns/interop/record"
)

// After SetCertificate with a private key inside, Valve's library sends that key to every peer, in clear.
// Ours never sends one, however it came by its certificate, and neither keeps nor shows that of a careless
// peer.
func TestPrivateKeysOnTheWire(t *testing.T) {
	ownLibrary(t)
	forPairs(t, func(t *testing.T, p pair) {
		for _, requested := range []bool{false, true} {
			t.Run(fmt.Sprintf("requested %v", requested), func(t *testing.T) {
				t.Parallel()
				root := ownRoot(t)
				keyLog := filepath.Join(t.TempDir(), "keys")
				seeds := map[record.Direction][]byte{} // by the side that has them
				server, client := p.startCertified(t, root, func(l, c *peer.Options) {
					for dir, o := range map[record.Direction]*peer.Options{record.ToServer: c, record.ToClient: l} {
						key, err := crypto.EmbeddedKey(o.Certificate)
						require.NoError(t, err)
						seeds[dir] = key.Seed()
						if requested {
							o.Certificate = nil
						}
						if o.Kind == peer.Ours {
							o.KeyLog = keyLog
						}
					}
				})
				if requested {
					require.NoError(t, server.SetCertificate(root.answer(server.CertificateRequest(), leaf{identity: "str:server"})))
					require.NoError(t, client.SetCertificate(root.answer(client.CertificateRequest(), leaf{identity: "str:client"})))
				}
				link, proxy := connectThrough(t, server, client, record.Pass)
				requireConversation(t, link)
				requireAuth(t, link.in, "str:client", true)
				requireAuth(t, link.out, "str:server", true)
				shown := server.Transcript() + link.in.DetailedStatus()
				if p.listens != peer.Ours {
					shown = ""
				}
				if p.connects == peer.Ours {
					shown += client.Transcript() + link.out.DetailedStatus()
				}
				requireClosedByClient(t, link)

				kind := map[record.Direction]peer.Kind{record.ToServer: p.connects, record.ToClient: p.listens}
				leaks, certificates := map[record.Direction]int{}, map[record.Direction]int{}
				for _, packet := range proxy.Sessions()[0] {
					cert, err := certOf(packet.Data)
					require.NoError(t, err)
					if cert != nil {
						certificates[packet.Dir]++
						require.Equal(t, kind[packet.Dir] == peer.Valve && !requested, cert.PrivateKeyData != nil, "%s of %s", packet.Dir, kind[packet.Dir])
					}
					for owner, seed := range seeds {
						if bytes.Contains(packet.Data, seed) {
							require.Equal(t, owner, packet.Dir, "nobody repeats the other's key")
							leaks[owner]++
						}
					}
				}
				for dir := range seeds {
					require.NotZero(t, certificates[dir])
					require.Equal(t, kind[dir] == peer.Valve && !requested, leaks[dir] > 0, "%s of %s", dir, kind[dir])
				}
				if log, err := os.ReadFile(keyLog); err == nil {
					shown += string(log)
				}
				for _, seed := range seeds {
					require.NotContains(t, shown, hex.EncodeToString(seed))
					require.NotContains(t, shown, base64.StdEncoding.EncodeToString(seed))
					require.NotContains(t, shown, string(seed))
				}
			})
		}
	})
}
