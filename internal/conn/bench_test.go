package conn

import (
	"crypto/rand"
	"net/netip"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/stretchr/testify/require"
)

// BenchmarkHandshake makes a connection in memory, both ends, from the first packet to the end of it.
func BenchmarkHandshake(b *testing.B) {
	unsigned, err := crypto.NewUnsignedCert(rand.Reader, crypto.Localhost(), 0)
	require.NoError(b, err)
	other, err := crypto.NewUnsignedCert(rand.Reader, crypto.Localhost(), 0)
	require.NoError(b, err)
	clientCfg, serverCfg := pairConfig(0x10001, crypto.Localhost()), pairConfig(0x20002, crypto.Localhost())
	for _, cfg := range []*Config{&clientCfg, &serverCfg} {
		cfg.Rand = rand.Reader
		cfg.Settings.IPAllowWithoutAuth, cfg.Settings.IPLocalHostAllowWithoutAuth = 2, 2
	}
	clientCfg.Unsigned, serverCfg.Unsigned = unsigned, other
	clientCfg.Keys, serverCfg.Keys = crypto.NewKeyCache(), crypto.NewKeyCache()
	from := netip.MustParseAddrPort("127.0.0.1:2")
	l, err := NewListener(rand.Reader, func(netip.AddrPort) (Config, bool) { return serverCfg, true })
	require.NoError(b, err)
	now := pairStart
	buf, reply := make([]byte, 0, 2048), make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		client, err := NewClient(clientCfg, now)
		if err != nil {
			b.Fatal(err)
		}
		challenge, _ := client.AppendPacket(now, buf)
		answer, _, _ := l.Receive(now, from, challenge, reply)
		client.Receive(now, answer)
		ask, _ := client.AppendPacket(now, buf)
		_, request, err := l.Receive(now, from, ask, reply)
		if err != nil {
			b.Fatal(err)
		}
		request.Verify(now)
		_, server, err := l.Admit(request, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := server.Accept(now); err != nil {
			b.Fatal(err)
		}
		ok, _ := server.AppendPacket(now, buf)
		client.Receive(now, ok)
		if client.State() != StateConnected {
			b.Fatal(client.State())
		}
		l.Forget(server)
		client.Abort(now, 0, "")
		server.Abort(now, 0, "")
	}
}
