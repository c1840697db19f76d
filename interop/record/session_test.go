package record

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFileRoundTrip(t *testing.T) {
	t.Parallel()
	file := File{
		How: "by \"hand\"",
		Sessions: []Session{
			{
				Name:        "first",
				Description: "with keys",
				Handshake:   json.RawMessage(`{"client":{"x25519_private":"00ff"}}`),
				Packets: []Packet{
					{Index: 0, Time: 0, Dir: ToServer, Data: []byte{0x20, 1}},
					{Index: 1, Time: 1234567 * time.Nanosecond, Dir: ToClient, Data: []byte{0x21}, Fate: Dropped},
				},
			},
			{Name: "second", Packets: []Packet{{Dir: ToServer, Data: []byte{}}}},
			{Name: "empty", Packets: []Packet{}},
		},
	}
	var out bytes.Buffer
	require.NoError(t, file.Write(&out))
	require.Contains(t, out.String(), "\n    {\"i\":1,\"t_us\":1234,\"dir\":\"s2c\",\"hex\":\"21\",\"fate\":\"dropped\"}\n")
	require.NotContains(t, out.String(), `"fate":""`)

	var back File
	require.NoError(t, json.Unmarshal(out.Bytes(), &back))
	file.Sessions[0].Packets[1].Time = 1234 * time.Microsecond
	back.Sessions[0].Handshake = file.Sessions[0].Handshake
	require.Equal(t, file, back)
}

// The golden sessions of the module, which replay tests read, are in the same form.
func TestReadsGoldenSessions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../testdata/vectors/session-udp.json")
	require.NoError(t, err)
	var file File
	require.NoError(t, json.Unmarshal(text, &file))
	require.NotEmpty(t, file.Sessions)
	for _, s := range file.Sessions {
		require.NotEmpty(t, s.Packets, s.Name)
		require.NotEmpty(t, s.Handshake, s.Name)
		for i, p := range s.Packets {
			require.Equal(t, i, p.Index)
			require.NotEmpty(t, p.Data)
		}
	}
	require.ErrorContains(t, json.Unmarshal([]byte(`{"i":3,"hex":"zz"}`), new(Packet)), "packet 3")
}
