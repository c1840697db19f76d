package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/gogns/gns/internal/testoutput"
	"github.com/stretchr/testify/require"
)

// noise returns random bytes that depend on n alone.
func noise(n int) []byte {
	rng := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	b := make([]byte, n)
	_, _ = rng.Read(b) // never fails
	return b
}

// fast is a rate at which the tests do not take long.
var fast = []string{"-config", "SendRateMin=50000000", "-config", "SendRateMax=50000000"}

func TestRawBytesArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, network := range map[string][]string{
		"good network": nil,
		"bad network": {"-config", "FakePacketLoss_Send=5", "-config", "FakePacketReorder_Send=5",
			"-config", "FakePacketDup_Send=5", "-config", "FakePacketLag_Send=5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := noise(3_000_001)
			server, addr := listen(t, append([]string{"-raw"}, network...)...)
			server.end()
			var stdout, stderr bytes.Buffer
			args := append(append([]string{"-raw", addr}, fast...), network...)
			status := run(t.Context(), args, bytes.NewReader(content), &stdout, &stderr)
			require.Equal(t, exitOK, status, stderr.String())
			require.Empty(t, stdout.String())
			if network == nil { // else the server may not have been told of the end
				server.wantStatus(exitOK)
			}
			got := server.stdout.WaitSize(t, len(content))
			require.Equal(t, sha256.Sum256(content), sha256.Sum256(got), "%d bytes of %d", len(got), len(content))
		})
	}
}

func TestRawFromListenerToClient(t *testing.T) {
	t.Parallel()
	content := noise(1_000_003)
	server := startWith(t, bytes.NewReader(content), nil, testoutput.New(), append([]string{"-l", "-raw", "127.0.0.1:0"}, fast...)...)
	client := start(t, "-raw", server.address())
	server.wantStatus(exitOK)
	client.wantStatus(exitOK)
	got := client.stdout.String()
	require.Equal(t, sha256.Sum256(content), sha256.Sum256([]byte(got)), "%d bytes of %d", len(got), len(content))
}

func TestRawSendsWhatIsThere(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-raw")
	client := start(t, "-raw", addr)
	client.write("no line end") // and no end of input
	server.stdout.Wait(t, "^no line end$")
}

func TestRawUnreliableFitsPackets(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-hex", "-json")
	server.end()
	content := noise(20_000)
	status := run(t.Context(), []string{"-raw", "-u", addr}, bytes.NewReader(content), io.Discard, io.Discard)
	require.Equal(t, exitOK, status)
	server.wantStatus(exitOK)
	got := ofEvent(objects(t, server.stdout.String()), "message")
	require.NotEmpty(t, got)
	want := fmt.Sprintf("%x", content)
	for _, m := range got {
		require.Equal(t, false, m["reliable"])
		require.LessOrEqual(t, m["size"], 1100.0)
		require.Contains(t, want, m["hex"])
	}
}

func TestHex(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-hex")
	client := start(t, "-hex", addr)
	client.write("00ff10\n\nDE AD be\tef\n")
	server.wantLines("00ff10", "", "deadbeef")
	server.write("0a0d\n")
	client.wantLines("0a0d")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)
}

func TestLineThatIsNotHex(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"abc", "0x10", "hello"} {
		server, addr := listen(t, "-hex")
		status, _, stderr := finished(t, "00\n"+bad+"\n11\n", "-hex", addr)
		require.Equal(t, exitFailed, status)
		require.Contains(t, stderr, "standard input, line 2: not pairs of hexadecimal digits\n")
		server.wantStatus(exitFailed)
		require.Equal(t, "00\n", server.stdout.String())
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-json", "-identity", "str:bob")
	binary := "\xff\x00\x01"
	client := start(t, "-identity", "str:alice", "-lane", "2", addr)
	client.write("héllo <&>\n" + binary + "\n\n")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)

	list := objects(t, server.stdout.String())
	var events []any
	for _, o := range list {
		events = append(events, o["event"])
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`, o["time"])
	}
	require.Equal(t, []any{"listening", "connected", "message", "message", "message", "closed"}, events)
	require.Contains(t, server.stdout.String(), `"text":"héllo <&>"`, "readable")
	conn := list[1]["conn"]
	for i, want := range []map[string]any{
		{"addr": addr},
		{"conn": conn, "addr": list[1]["addr"], "identity": "str:alice", "encrypted": true, "authenticated": false},
		{"conn": conn, "lane": 2.0, "number": 1.0, "reliable": true, "size": 10.0, "text": "héllo <&>"},
		{"conn": conn, "lane": 2.0, "number": 2.0, "reliable": true, "size": 3.0,
			"base64": base64.StdEncoding.EncodeToString([]byte(binary))},
		{"conn": conn, "lane": 2.0, "number": 3.0, "reliable": true, "size": 0.0, "text": ""},
		{"conn": conn, "addr": list[1]["addr"], "by": "peer", "reason": 1000.0, "name": "App_Generic", "debug": "end of input"},
	} {
		delete(list[i], "event")
		delete(list[i], "time")
		require.Equal(t, want, list[i])
	}
}

func TestJSONOfAConnectionThatFails(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	peer.vanish()
	status, stdout, stderr := finished(t, "", "-json", "-timeout", "200ms", peer.address())
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "cannot connect to "+peer.address()+": Misc_Timeout (5003)")
	list := objects(t, stdout)
	require.Len(t, list, 1)
	require.Equal(t, "failed", list[0]["event"])
	require.Equal(t, peer.address(), list[0]["addr"])
	require.Equal(t, 5003.0, list[0]["reason"])
	require.Equal(t, "problem", list[0]["by"])
	require.NotEmpty(t, list[0]["error"])
}

func TestJSONOfItsOwnClose(t *testing.T) {
	t.Parallel()
	_, addr := listen(t)
	status, stdout, _ := finished(t, "x\n", "-json", addr)
	require.Equal(t, exitOK, status)
	closed := ofEvent(objects(t, stdout), "closed")
	require.Len(t, closed, 1)
	require.Equal(t, "local", closed[0]["by"])
	require.Equal(t, 1000.0, closed[0]["reason"])
}
