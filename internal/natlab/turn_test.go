//go:build linux

package natlab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/pion/turn/v5"
	"github.com/stretchr/testify/require"
)

// TURN servers answer STUN requests as well.

const (
	turnPort     = 3478
	turnUser     = "user"
	turnPassword = "secret"
	turnRealm    = "natlab"
)

// turnMaker starts a TURN server on a host of the internet.
type turnMaker struct {
	name  string
	start func(*testing.T, *Host) *server
}

var turnMakers = []turnMaker{{"pion", startPionTURN}, {"coturn", startCoturn}}

// turnEndpoint is where the TURN server of a host is.
func turnEndpoint(h *Host) netip.AddrPort { return netip.AddrPortFrom(h.Addr(), turnPort) }

func startPionTURN(t *testing.T, h *Host) *server {
	t.Helper()
	return startDaemon(t, h, "turn", turnArgs{Addr: h.Addr()})
}

type turnArgs struct{ Addr netip.Addr }

func runTURN(encoded []byte) error {
	var args turnArgs
	if err := json.Unmarshal(encoded, &args); err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(args.Addr, turnPort)))
	if err != nil {
		return err
	}
	key := turn.GenerateAuthKey(turnUser, turnRealm, turnPassword)
	s, err := turn.NewServer(turn.ServerConfig{
		Realm: turnRealm,
		AuthHandler: func(request *turn.RequestAttributes) (user string, k []byte, ok bool) {
			return request.Username, key, request.Username == turnUser
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: socket,
			RelayAddressGenerator: &turn.RelayAddressGeneratorStatic{
				RelayAddress: args.Addr.AsSlice(),
				Address:      args.Addr.String(),
			},
		}},
	})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// coturnConfig lets coturn do what it does by default, over UDP alone.
const coturnConfig = `listening-ip=%[1]v
relay-ip=%[1]v
listening-port=%[2]d
min-port=49152
max-port=49999
lt-cred-mech
realm=%[3]s
user=%[4]s:%[5]s
no-tcp
no-tls
no-dtls
no-cli
fingerprint
simple-log
log-file=stdout
verbose
userdb=%[6]s/users
pidfile=%[6]s/pid
`

func startCoturn(t *testing.T, h *Host) *server {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "turnserver.conf")
	text := fmt.Sprintf(coturnConfig, h.Addr(), turnPort, turnRealm, turnUser, turnPassword, dir)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	s := startServer(t, h.Command(context.Background(), "turnserver", "-c", config), "UDP listener opened on")
	require.True(t, eventuallyAnswers(t, h), "coturn does not answer")
	return s
}

// eventuallyAnswers waits for a TURN server that does not tell when its socket is open.
func eventuallyAnswers(t *testing.T, h *Host) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return program(ctx, t, h, "relay", relayArgs{Server: turnEndpoint(h)}).Run() == nil
}

func TestTURNServers(t *testing.T) {
	for _, maker := range turnMakers {
		t.Run(maker.name, func(t *testing.T) {
			l, args := withReflector(t)
			relay := l.Host("relay", l.Internet())
			maker.start(t, relay)
			host := l.Host("host", l.Router("router", Symmetric).LAN("192.168.1.1/24"))
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			endpoint := reflectorEndpoints(args.Reflector)[0]

			out, err := program(ctx, t, host, "relay", relayArgs{Server: turnEndpoint(relay), Reflector: endpoint}).Output()

			require.NoError(t, err)
			seen, err := netip.ParseAddrPort(string(out))
			require.NoError(t, err)
			require.Equal(t, relay.Addr(), seen.Addr(), "where the reflector got the request from")
		})
	}
}
