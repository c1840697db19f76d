package crypto

import (
	"fmt"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
)

func TestCipherList(t *testing.T) {
	t.Parallel()
	for unencrypted, want := range map[int32][]Cipher{
		-1 << 31: {CipherAES256GCM},
		-1:       {CipherAES256GCM},
		0:        {CipherAES256GCM},
		1:        {CipherAES256GCM, CipherNull},
		2:        {CipherNull, CipherAES256GCM},
		3:        {CipherNull},
		4:        {CipherNull},
	} {
		require.Equal(t, want, CipherList(unencrypted), "%d", unencrypted)
	}
}

// Client on the left, server on top.
func TestCipherMatrix(t *testing.T) {
	t.Parallel()
	const none, null, aes = CipherInvalid, CipherNull, CipherAES256GCM
	matrix := [4][4]Cipher{
		{aes, aes, aes, none},
		{aes, aes, null, null},
		{aes, aes, null, null},
		{none, null, null, null},
	}
	for client := range int32(4) {
		for server := range int32(4) {
			got, ok := ChooseCipher(CipherList(server), CipherList(client))
			require.Equal(t, matrix[client][server], got, "client %d, server %d", client, server)
			require.Equal(t, got != none, ok)
		}
	}
}

func TestVectorCipherChoice(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).PeerBehavior.CipherChoice {
		t.Run(fmt.Sprintf("server %d client %v", v.ServerUnencrypted, v.ClientCiphers), func(t *testing.T) {
			t.Parallel()
			p := newCrafted(t)
			p.info.Ciphers = wireCiphers(v.ClientCiphers)
			server := craftedServer(t)
			server.SetUnencrypted(v.ServerUnencrypted)
			_, err := p.present(server)
			require.NoError(t, err)
			keys, err := server.Finish(1, 2)
			if v.Chosen == nil {
				require.Equal(t, *v.Failure, int(reasonOf(t, err)))
				require.Equal(t, CipherInvalid, server.Cipher())
				return
			}
			require.NoError(t, err)
			require.Equal(t, *v.Chosen, keys.Cipher)
			require.Equal(t, *v.Chosen, server.Cipher())
			require.Equal(t, []pb.ESteamNetworkingSocketsCipher{pb.ESteamNetworkingSocketsCipher(*v.Chosen)}, announcedCiphers(t, server))
		})
	}
}

// A number that is not in the protocol's enum does not count; INVALID, which is, does.
func TestPeerCiphers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		wire []pb.ESteamNetworkingSocketsCipher
		want []Cipher
	}{
		{nil, []Cipher{2}},
		{[]pb.ESteamNetworkingSocketsCipher{3}, []Cipher{2}},
		{[]pb.ESteamNetworkingSocketsCipher{3, -1, 258}, []Cipher{2}},
		{[]pb.ESteamNetworkingSocketsCipher{3, 1}, []Cipher{1}},
		{[]pb.ESteamNetworkingSocketsCipher{0}, []Cipher{0}},
		{[]pb.ESteamNetworkingSocketsCipher{1, 2}, []Cipher{1, 2}},
	} {
		require.Equal(t, test.want, peerCiphers(&pb.CMsgSteamDatagramSessionCryptInfo{Ciphers: test.wire}), "%v", test.wire)
	}
	_, ok := ChooseCipher([]Cipher{CipherAES256GCM, CipherNull}, []Cipher{CipherInvalid})
	require.False(t, ok)
}
