package interop

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/interop/peer"
	"github.com/gogns/gns/interop/record"
)

// update makes TestRecordSessions write what it records to testdata/recorded, from where the offline
// tests replay it.
var update = flag.Bool("update", false, "write recorded sessions to ../testdata/recorded")

// TestRecordSessions records sessions between Valve's library and ours with the keys of our side, and
// checks that every data packet can be decrypted with them.
func TestRecordSessions(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{listens: peer.Valve, connects: peer.Ours}, {listens: peer.Ours, connects: peer.Valve}} {
		for _, row := range []struct {
			name        string
			description string
			options     []string
			lanes       int
			loss        int // percent of data packets
		}{
			{"plain", "one lane, nothing lost", nil, 1, 0},
			{"lossy_lanes", "eight lanes each way, 8 % of data packets lost", nil, 8, 8},
			{"null_cipher", "both sides prefer plain text", []string{"Unencrypted=2"}, 2, 3},
		} {
			name := fmt.Sprintf("%s-server_%s-client_%s", p.listens, p.connects, row.name)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				keyLog := filepath.Join(t.TempDir(), "keys")
				server, client := p.start(t, peer.Options{}, func(listens, connects *peer.Options) {
					listens.KeyLog, connects.KeyLog = keyLog, keyLog
					listens.Identity, connects.Identity = "str:server", "gen:c11e27"
				})
				random := rand.New(rand.NewPCG(1, 2))
				link, proxy := connectThrough(t, server, client, func(p record.Packet) []record.Delivery {
					if p.Data[0]&0x80 != 0 && random.IntN(100) < row.loss {
						return nil
					}
					return record.Pass(p)
				}, row.options...)
				batch := peer.Batch{Count: 48, Seed: 7, Sizes: []int{0, 10, 300, 1300, 2500}, Flags: []int{peer.Reliable, 0, peer.Reliable, peer.NoNagle}}
				for i := range row.lanes {
					batch.Lanes = append(batch.Lanes, i)
				}
				for _, d := range link.directions() {
					d.from.Lanes(make([]int, row.lanes), nil)
					d.from.StartBatch(batch)
				}
				for _, d := range link.directions() {
					d.requireDelivered(t, batch, d.from.BatchNumbers(), row.loss == 0)
				}
				link.out.Close(1007, "recorded", true)
				link.in.WaitState(peer.ClosedByPeer)
				link.in.Close(0, "", false)
				require.Eventually(t, func() bool { return len(proxy.Sessions()[0]) > 0 && closedBothWays(proxy.Sessions()[0]) }, 5*time.Second, 10*time.Millisecond)

				keys, err := os.ReadFile(keyLog)
				require.NoError(t, err)
				session := record.Session{Name: name, Description: row.description, Packets: proxy.Sessions()[0]}
				requireDecryptable(t, string(keys), session.Packets)
				if *update {
					writeRecording(t, session, strings.TrimSpace(string(keys)))
				}
			})
		}
	}
}

// closedBothWays reports whether the recording has both sides' last word.
func closedBothWays(packets []record.Packet) bool {
	seen := map[record.Direction]bool{}
	for _, p := range packets {
		if p.Data[0] == 36 || p.Data[0] == 37 {
			seen[p.Dir] = true
		}
	}
	return seen[record.ToServer] && seen[record.ToClient]
}

func requireDecryptable(t *testing.T, keyLog string, packets []record.Packet) {
	t.Helper()
	all, err := crypto.ReadKeyLog(strings.NewReader(keyLog))
	require.NoError(t, err)
	require.NotEmpty(t, all)
	opened := 0
	for dir, role := range map[record.Direction]crypto.Role{record.ToServer: crypto.RoleServer, record.ToClient: crypto.RoleClient} {
		open, err := all[0].Opener(role)
		require.NoError(t, err)
		for _, p := range packets {
			if p.Dir != dir || p.Data[0] != 0x80 { // without inline statistics the chunk begins at byte 7
				continue
			}
			_, err := open.Open(nil, p.Data[7:], int64(p.Data[5])|int64(p.Data[6])<<8)
			require.NoError(t, err, "packet %d", p.Index)
			opened++
		}
	}
	require.Greater(t, opened, 10)
}

func writeRecording(t *testing.T, session record.Session, keyLog string) {
	t.Helper()
	var err error
	session.Handshake, err = json.Marshal(map[string]string{"key_log": keyLog})
	require.NoError(t, err)
	dir := filepath.Join("..", "testdata", "recorded")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	f, err := os.Create(filepath.Join(dir, session.Name+".json"))
	require.NoError(t, err)
	file := record.File{
		How: "Recorded by interop's TestRecordSessions (-update): this module against Valve's library through a proxy on loopback. " +
			"key_log is the line that our side logged. Packets with the fate \"dropped\" did not arrive.",
		Sessions: []record.Session{session},
	}
	require.NoError(t, file.Write(f))
	require.NoError(t, f.Close())
}
