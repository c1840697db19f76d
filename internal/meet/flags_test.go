package meet

import (
	"flag"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// parse reads a command line.
func parse(line string, values ...config.Value) (*Flags, error) {
	f := &Flags{Signal: DefaultSignal}
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	f.Register(fs)
	if err := fs.Parse(strings.Fields(line)); err != nil {
		return nil, err
	}
	given := make(map[string]bool)
	fs.Visit(func(x *flag.Flag) { given[x.Name] = true })
	return f, f.Check(given, "GNS_TEST_TURN_PASS", values)
}

func TestWhatMakesNoSense(t *testing.T) {
	for line, want := range map[string]string{
		"-signal :1":                            `-signal: ":1" is not of the form HOST or HOST:PORT`,
		"-signal a:b:c":                         `-signal: "a:b:c" is not of the form`,
		"-signal host:":                         `-signal: "host:" is not of the form`,
		"-stun a,,b":                            `-stun: "" is not of the form`,
		"-turn :3478":                           `-turn: ":3478" is not of the form`,
		"-turn-user u -turn-pass p":             "-turn-user and -turn-pass mean nothing without -turn",
		"-turn t -turn-user u":                  "(or the environment variable GNS_TEST_TURN_PASS) go together",
		"-turn t -turn-pass p":                  "go together",
		"-turn t,t -turn-user u -turn-pass a,b": "cannot have commas",
		"-force-relay":                          "-force-relay needs a relay: -turn HOST:PORT",
		"-turn t -force-relay -stun s":          "-stun means nothing with -force-relay",
	} {
		_, err := parse(line)
		require.ErrorContains(t, err, want, line)
	}
	_, err := parse("-turn t -force-relay", config.Int32(config.P2PTransportICEEnable, 3))
	require.ErrorContains(t, err, "-force-relay and -config P2P_Transport_ICE_Enable do not go together")
	_, err = parse("-force-relay", config.String(config.P2PTURNServerList, "t:1"))
	require.NoError(t, err, "the relay is given otherwise")
}

func TestFlagsBecomeConfigurationValues(t *testing.T) {
	f, err := parse("-signal example.com -stun stun:a.example,[::1]:1,192.0.2.1,::1 -turn t1,turn:t2:5 -turn-user u -turn-pass p")
	require.NoError(t, err)
	require.Equal(t, "example.com:10000", f.Signal)
	require.Equal(t, []config.Value{
		config.String(config.P2PSTUNServerList, "a.example:3478,[::1]:1,192.0.2.1:3478,[::1]:3478"),
		config.String(config.P2PTURNServerList, "t1:3478,t2:5"),
		config.String(config.P2PTURNUserList, "u,u"),
		config.String(config.P2PTURNPassList, "p,p"),
	}, f.Values())

	f, err = parse("")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:10000", f.Signal)
	require.Empty(t, f.Values())

	f, err = parse("-turn t -force-relay")
	require.NoError(t, err)
	require.Contains(t, f.Values(), config.Int32(config.P2PTransportICEEnable, config.P2PTransportICEEnableRelay))
}

func TestPasswordFromTheEnvironment(t *testing.T) {
	t.Setenv("GNS_TEST_TURN_PASS", "secret")
	f, err := parse("-turn t -turn-user u")
	require.NoError(t, err)
	require.Contains(t, f.Values(), config.String(config.P2PTURNPassList, "secret"))

	f, err = parse("-turn t -turn-user u -turn-pass open")
	require.NoError(t, err)
	require.Contains(t, f.Values(), config.String(config.P2PTURNPassList, "open"))

	f, err = parse("-stun s")
	require.NoError(t, err, "it does not matter without -turn")
	require.Len(t, f.Values(), 1)
}

func TestPathsWithinThisMachine(t *testing.T) {
	lan := []net.Addr{&net.IPNet{IP: net.IPv4(127, 0, 0, 1)}, &net.IPNet{IP: net.IPv4(192, 0, 2, 1)}}
	alone := []net.Addr{&net.IPNet{IP: net.IPv6loopback}, &net.IPNet{IP: net.ParseIP("fe80::1")}}
	for _, tc := range []struct {
		line  string
		addrs []net.Addr
		want  bool
	}{
		{"", lan, true}, // the default signaling server is on this machine
		{"-signal localhost", lan, true},
		{"-signal [::1]:5", lan, true},
		{"-signal example.com", lan, false},
		{"-signal example.com", alone, true},
		{"-signal example.com", nil, true},
		{"-signal example.com -loopback", lan, true},
		{"-loopback=false", lan, false},
		{"-loopback=false", alone, false},
	} {
		f, err := parse(tc.line)
		require.NoError(t, err)
		require.Equal(t, tc.want, f.withinMachine(tc.addrs), "%q with %v", tc.line, tc.addrs)
	}
}
