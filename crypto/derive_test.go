package crypto

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/flynn/noise"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// The key schedule of CSteamNetworkConnectionBase::FinishCryptoHandshake, step by step.
func TestVectorKeyDerivation(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).Handshakes {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			client, server := v.Client.derivationSide(), v.Server.derivationSide()

			shared, err := noise.DH25519.DH(v.Client.X25519Private, v.Server.X25519Public)
			require.NoError(t, err)
			require.Equal(t, []byte(v.Derivation.Shared), shared)

			secret, err := premaster(v.Client.X25519Private, v.Server.X25519Public)
			require.NoError(t, err)
			require.Equal(t, []byte(v.Derivation.Premaster), secret[:])
			other, err := premaster(v.Server.X25519Private, v.Client.X25519Public)
			require.NoError(t, err)
			require.Equal(t, secret, other, "both ends")

			prk := extract(secret, client, server)
			require.Equal(t, []byte(v.Derivation.PRK), prk[:])

			context := keyContext(client, server)
			require.Equal(t, []byte(v.Derivation.Context), context)

			blocks := expand(prk, context)
			require.Equal(t, []byte(v.Derivation.T1), blocks[0][:])
			require.Equal(t, []byte(v.Derivation.T2), blocks[1][:])
			require.Equal(t, []byte(v.Derivation.T3), blocks[2][:])
			require.Equal(t, []byte(v.Derivation.T4), blocks[3][:])

			keys := deriveKeys(&secret, v.cipher(t), client, server)
			v.Keys.check(t, &keys)
			require.Zero(t, secret, "the secret is wiped")
		})
	}
}

// Sessions of peers that found each other through signaling have the same key schedule.
func TestVectorP2PKeys(t *testing.T) {
	t.Parallel()
	var file struct {
		Sessions []struct {
			Name string `json:"name"`
			Keys *struct {
				ClientID        uint32   `json:"client_connection_id"`
				ServerID        uint32   `json:"server_connection_id"`
				ClientCert      hexBytes `json:"client_cert"`
				ServerCert      hexBytes `json:"server_cert"`
				ClientInfo      hexBytes `json:"client_crypt_info"`
				ServerInfo      hexBytes `json:"server_crypt_info"`
				ClientPrivate   hexBytes `json:"client_x25519_private"`
				ServerPrivate   hexBytes `json:"server_x25519_private"`
				Premaster       hexBytes `json:"premaster_sha256"`
				PRK             hexBytes `json:"prk"`
				ClientServerKey hexBytes `json:"key_client_to_server"`
				ServerClientKey hexBytes `json:"key_server_to_client"`
				ClientServerIV  hexBytes `json:"iv_client_to_server"`
				ServerClientIV  hexBytes `json:"iv_server_to_client"`
			} `json:"keys"`
			UDP []struct {
				Hex hexBytes `json:"hex"`
			} `json:"udp"`
		} `json:"sessions"`
	}
	require.NoError(t, readVectors("session-p2p.json", &file))
	sessionsWithKeys := 0
	for _, s := range file.Sessions {
		if s.Keys == nil {
			continue // never got that far
		}
		sessionsWithKeys++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			k := s.Keys
			var clientInfo, serverInfo pb.CMsgSteamDatagramSessionCryptInfo
			require.NoError(t, proto.Unmarshal(k.ClientInfo, &clientInfo))
			require.NoError(t, proto.Unmarshal(k.ServerInfo, &serverInfo))
			client := &side{k.ClientID, clientInfo.GetNonce(), k.ClientCert, k.ClientInfo}
			server := &side{k.ServerID, serverInfo.GetNonce(), k.ServerCert, k.ServerInfo}

			secret, err := premaster(k.ServerPrivate, clientInfo.GetKeyData())
			require.NoError(t, err)
			require.Equal(t, []byte(k.Premaster), secret[:])
			prk := extract(secret, client, server)
			require.Equal(t, []byte(k.PRK), prk[:])
			keys := deriveKeys(&secret, CipherAES256GCM, client, server)
			(&vectorKeys{k.ClientServerKey, k.ServerClientKey, k.ClientServerIV, k.ServerClientIV}).check(t, &keys)

			opened := 0
			opener := map[uint32]*Opener{}
			opener[k.ServerID], err = keys.Opener(RoleServer)
			require.NoError(t, err)
			opener[k.ClientID], err = keys.Opener(RoleClient)
			require.NoError(t, err)
			for _, packet := range s.UDP {
				b := packet.Hex
				if len(b) < dataHeaderSize || b[0]&0x80 == 0 {
					continue // STUN, or a close message
				}
				o := opener[binary.LittleEndian.Uint32(b[1:])]
				if o == nil {
					continue // not of this session
				}
				// These sessions are far too short for the 16 bits of the number to wrap around.
				_, err := o.Open(nil, dataChunk(t, b), int64(binary.LittleEndian.Uint16(b[5:])))
				require.NoError(t, err)
				opened++
			}
			require.NotZero(t, opened)
		})
	}
	require.NotZero(t, sessionsWithKeys)
}

func TestVectorX25519(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).X25519 {
		for _, private := range []hexBytes{v.PrivateA, v.PrivateB} {
			public, peer := v.PublicA, v.PublicB
			if &private[0] == &v.PrivateB[0] {
				public, peer = peer, public
			}
			pair, err := noise.DH25519.GenerateKeypair(bytes.NewReader(private))
			require.NoError(t, err)
			require.Equal(t, []byte(public), pair.Public)

			secret, err := premaster(private, peer)
			require.NoError(t, err)
			require.Equal(t, []byte(v.Premaster), secret[:])
		}
	}
}

func TestVectorX25519LowOrder(t *testing.T) {
	t.Parallel()
	private := vectors(t).X25519[0].PrivateA
	for _, v := range vectors(t).X25519LowOrder {
		_, err := premaster(private, v.PeerPublic)
		require.Equal(t, v.Accepted, err == nil, "%x", []byte(v.PeerPublic))
	}
}
