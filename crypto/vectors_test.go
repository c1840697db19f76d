package crypto

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// hexBytes are bytes that JSON has in hexadecimal.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// vectorSide is one end of a recorded handshake.
type vectorSide struct {
	X25519Private   hexBytes `json:"x25519_private"`
	X25519Public    hexBytes `json:"x25519_public"`
	Ed25519Seed     hexBytes `json:"ed25519_seed"`
	Ed25519Public   hexBytes `json:"ed25519_public"`
	ConnectionID    uint32   `json:"connection_id"`
	Nonce           uint64   `json:"nonce,string"`
	Cert            hexBytes `json:"cert"`
	SignedCert      hexBytes `json:"signed_cert"`
	Info            hexBytes `json:"info"`
	InfoSignature   hexBytes `json:"info_signature"`
	Ciphers         []Cipher `json:"ciphers"`
	ProtocolVersion uint32   `json:"protocol_version"`
}

func (s *vectorSide) derivationSide() *side {
	return &side{connectionID: s.ConnectionID, nonce: s.Nonce, cert: s.Cert, info: s.Info}
}

// random gives the secrets of the recording in the order in which a Handshake reads them.
func (s *vectorSide) random(withCertKey bool) io.Reader {
	var b []byte
	if withCertKey {
		b = append(b, s.Ed25519Seed...)
	}
	b = append(b, s.X25519Private...)
	return bytes.NewReader(binary.LittleEndian.AppendUint64(b, s.Nonce))
}

type vectorKeys struct {
	ClientToServerKey hexBytes `json:"client_to_server_key"`
	ServerToClientKey hexBytes `json:"server_to_client_key"`
	ClientToServerIV  hexBytes `json:"client_to_server_iv"`
	ServerToClientIV  hexBytes `json:"server_to_client_iv"`
}

func (v *vectorKeys) check(t *testing.T, keys *Keys) {
	t.Helper()
	require.Equal(t, []byte(v.ClientToServerKey), keys.ClientToServer.Key[:])
	require.Equal(t, []byte(v.ServerToClientKey), keys.ServerToClient.Key[:])
	require.Equal(t, []byte(v.ClientToServerIV), keys.ClientToServer.IV[:])
	require.Equal(t, []byte(v.ServerToClientIV), keys.ServerToClient.IV[:])
}

type vectorHandshake struct {
	Name       string     `json:"name"`
	Client     vectorSide `json:"client"`
	Server     vectorSide `json:"server"`
	Cipher     string     `json:"cipher"`
	Derivation struct {
		Shared      hexBytes `json:"x25519_shared"`
		Premaster   hexBytes `json:"premaster_sha256"`
		ExtractData hexBytes `json:"extract_data_server_nonce_then_client_nonce"`
		PRK         hexBytes `json:"prk"`
		Context     hexBytes `json:"context"`
		T1          hexBytes `json:"t1"`
		T2          hexBytes `json:"t2"`
		T3          hexBytes `json:"t3"`
		T4          hexBytes `json:"t4"`
	} `json:"derivation"`
	Keys    vectorKeys     `json:"keys"`
	Packets []vectorPacket `json:"packets"`
}

func (h *vectorHandshake) cipher(t *testing.T) Cipher {
	t.Helper()
	for _, c := range []Cipher{CipherNull, CipherAES256GCM} {
		if c.String() == h.Cipher {
			return c
		}
	}
	require.FailNow(t, "unknown cipher", h.Cipher)
	return CipherInvalid
}

type vectorPacket struct {
	Dir              string   `json:"dir"`
	UDPPayload       hexBytes `json:"udp_payload"`
	PacketNumber     int64    `json:"packet_number"`
	HeaderFlags      byte     `json:"header_flags"`
	Stats            hexBytes `json:"stats"`
	Nonce            hexBytes `json:"nonce"`
	CiphertextAndTag hexBytes `json:"ciphertext_and_tag"`
	Plaintext        hexBytes `json:"plaintext"`
}

// cryptoVectors is testdata/vectors/crypto.json.
type cryptoVectors struct {
	Handshakes []vectorHandshake `json:"handshakes"`
	GCMPackets []struct {
		Key              hexBytes `json:"key"`
		IV               hexBytes `json:"iv"`
		PacketNumber     int64    `json:"packet_number,string"`
		Nonce            hexBytes `json:"nonce"`
		Plaintext        hexBytes `json:"plaintext"`
		CiphertextAndTag hexBytes `json:"ciphertext_and_tag"`
	} `json:"gcm_packets"`
	X25519 []struct {
		PrivateA  hexBytes `json:"priv_a"`
		PublicA   hexBytes `json:"pub_a"`
		PrivateB  hexBytes `json:"priv_b"`
		PublicB   hexBytes `json:"pub_b"`
		Premaster hexBytes `json:"premaster_sha256"`
	} `json:"x25519"`
	X25519LowOrder []struct {
		PeerPublic hexBytes `json:"peer_public"`
		Accepted   bool     `json:"accepted"`
	} `json:"x25519_low_order"`
	SigningKeys []struct {
		Seed       hexBytes `json:"seed"`
		Public     hexBytes `json:"public"`
		KeyID      uint64   `json:"key_id,string"`
		Signatures []struct {
			Msg hexBytes `json:"msg"`
			Sig hexBytes `json:"sig"`
		} `json:"signatures"`
	} `json:"signing_keys"`
	CAKeyIDs []struct {
		Public hexBytes `json:"public"`
		KeyID  uint64   `json:"key_id,string"`
	} `json:"ca_key_ids"`
	PKI struct {
		BuiltInRoot struct {
			Seed  hexBytes `json:"seed"`
			KeyID uint64   `json:"key_id,string"`
		} `json:"built_in_root"`
		Keys map[string]struct {
			Seed   hexBytes `json:"seed"`
			Public hexBytes `json:"public"`
			KeyID  uint64   `json:"key_id,string"`
		} `json:"keys"`
		LeafChecks []struct {
			Name       string `json:"name"`
			SignedCert []byte `json:"signed_cert_base64"`
			AppID      uint32 `json:"app_id"`
			CertOK     bool   `json:"cert_ok"`
			CertError  string `json:"cert_error"`
			AppOK      bool   `json:"app_ok"`
			AppError   string `json:"app_error"`
		} `json:"leaf_checks"`
	} `json:"pki"`
	Identities []struct {
		In               hexBytes `json:"in_hex"`
		OK               bool     `json:"ok"`
		Type             int32    `json:"type"`
		Size             int      `json:"size"`
		Data             hexBytes `json:"data"`
		Print            *string  `json:"print"`
		PrintHex         hexBytes `json:"print_hex"`
		IsLocalhost      bool     `json:"is_localhost"`
		ToProtoOK        bool     `json:"to_proto_ok"`
		LegacyBinary     hexBytes `json:"legacy_binary"`
		AccidentOfScanf  bool     `json:"accident_of_scanf"`
		AccidentOfParser bool     `json:"accident_of_parser"`
	} `json:"identities"`
	IPAddresses []struct {
		In               hexBytes `json:"in_hex"`
		OK               bool     `json:"ok"`
		IPv6             hexBytes `json:"ipv6"`
		Port             uint16   `json:"port"`
		PrintWithPort    string   `json:"print_with_port"`
		PrintNoPort      string   `json:"print_no_port"`
		IsIPv4           bool     `json:"is_ipv4"`
		IsLocalhost      bool     `json:"is_localhost"`
		AccidentOfScanf  bool     `json:"accident_of_scanf"`
		AccidentOfParser bool     `json:"accident_of_parser"`
	} `json:"ip_addresses"`
	SteamIDs []struct {
		U64            SteamID64   `json:"u64,string"`
		Universe       Universe    `json:"universe"`
		AccountType    AccountType `json:"acct_type"`
		Instance       uint32      `json:"instance"`
		Account        uint32      `json:"account"`
		Valid          bool        `json:"valid"`
		ValidForLegacy bool        `json:"valid_for_legacy_identity"`
		Render         string      `json:"render"`
	} `json:"steamids"`
	SteamIDStrictParse []struct {
		In              hexBytes  `json:"in_hex"`
		DefaultUniverse Universe  `json:"default_universe"`
		OK              bool      `json:"ok"`
		U64             SteamID64 `json:"u64,string"`
	} `json:"steamid_strict_parse"`
	CertRequests []struct {
		Identity string   `json:"identity"`
		Request  hexBytes `json:"request"`
	} `json:"cert_requests"`
	PeerBehavior struct {
		Server       []behaviorRow `json:"server_reaction_to_connect_request"`
		Client       []behaviorRow `json:"client_reaction_to_connect_ok"`
		CipherChoice []struct {
			ServerUnencrypted int32    `json:"server_Unencrypted"`
			ClientCiphers     []Cipher `json:"client_ciphers"`
			Chosen            *Cipher  `json:"chosen"`
			Failure           *int     `json:"failure"`
		} `json:"cipher_choice"`
	} `json:"peer_behaviour"`
}

// behaviorRow is what Valve's library did about a crafted handshake.
type behaviorRow struct {
	Case   string         `json:"case"`
	Result behaviorResult `json:"result"`
}

// behaviorResult is "accepted", "silently ignored", or the reason in a ConnectionClosed.
type behaviorResult struct {
	Outcome string
	Reason  int
}

func (r *behaviorResult) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &r.Outcome) == nil {
		return nil
	}
	var closed struct {
		Reason int `json:"connection_closed_reason"`
	}
	err := json.Unmarshal(b, &closed)
	r.Outcome, r.Reason = "closed", closed.Reason
	return err
}

var loadCryptoVectors = sync.OnceValues(func() (v cryptoVectors, err error) {
	err = readVectors("crypto.json", &v)
	return v, err
})

func readVectors(name string, v any) error {
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", name))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func vectors(t testing.TB) *cryptoVectors {
	t.Helper()
	v, err := loadCryptoVectors()
	require.NoError(t, err)
	return &v
}
