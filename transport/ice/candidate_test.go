package ice

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCandidate(t *testing.T) {
	for _, test := range []struct {
		text, addr string
		kind       kind
	}{
		{"candidate:1234 0 udp 2130706431 10.0.0.1 5000 typ host", "10.0.0.1:5000", kindHost}, // as Valve's library writes it
		{"candidate:1 1 udp 2130706431 10.0.0.1 5000 typ host", "10.0.0.1:5000", kindHost},
		{"candidate:a/b+c 1 UDP 1 fd00::1 5000 typ srflx raddr :: rport 0", "[fd00::1]:5000", kindSrflx},
		{"candidate:1 1 udp 1 203.0.113.1 65535 typ relay generation 0 ufrag x", "203.0.113.1:65535", kindRelay},
		{"candidate:1 1 udp 1 203.0.113.1 1 typ prflx", "203.0.113.1:1", kindPrflx},
		{"candidate:1 1 udp 1 ::ffff:203.0.113.1 1 typ host", "203.0.113.1:1", kindHost},
	} {
		c, err := parseCandidate(test.text)
		require.NoError(t, err, test.text)
		require.Equal(t, remoteCandidate{addrPort(test.addr), test.kind}, c)
	}
	for _, bad := range []string{
		"",
		"candidate:",
		"1 1 udp 1 10.0.0.1 5000 typ host",
		"a=candidate:1 1 udp 1 10.0.0.1 5000 typ host",
		"candidate:1 1 tcp 1 10.0.0.1 5000 typ host tcptype passive",
		"candidate:1 1 ssltcp 1 10.0.0.1 5000 typ host",
		"candidate:1 1 udp 1 6c1a4b9e-77d1-4f0c-9c52-0a1d6cf0ab03.local 5000 typ host",
		"candidate:1 1 udp 1 example.com 5000 typ host",
		"candidate:1 1 udp 1 [fd00::1] 5000 typ host",
		"candidate:1 1 udp 1 10.0.0.1 0 typ host",
		"candidate:1 1 udp 1 10.0.0.1 65536 typ host",
		"candidate:1 1 udp 1 10.0.0.1 -1 typ host",
		"candidate:1 1 udp 4294967296 10.0.0.1 5000 typ host",
		"candidate:1 65536 udp 1 10.0.0.1 5000 typ host",
		"candidate:1 -1 udp 1 10.0.0.1 5000 typ host",
		"candidate:1 1 udp 1 10.0.0.1 5000 typ",
		"candidate:1 1 udp 1 10.0.0.1 5000 typ strange",
		"candidate:1 1 udp 1 10.0.0.1 5000 host typ",
		"candidate:1 1 udp 1 10.0.0.1 5000 typ host odd",
		"candidate:1 1 udp 1 0.0.0.0 5000 typ host",
		"candidate:1 1 udp 1 :: 5000 typ host",
		"candidate:1 1 udp 1 224.0.0.1 5000 typ host",
		"candidate:1 1 udp 1 ff02::1 5000 typ host",
		"candidate:1 1 udp 1 255.255.255.255 5000 typ host",
		"candidate:1 1 udp 1 fe80::1 5000 typ host",
		"candidate:1 1 udp 1 fe80::1%eth0 5000 typ host",
		"candidate:1 1 udp 1 fd00::1%eth0 5000 typ host",
		"candidate:1 1 udp 1 10.0.0.1 5000 typ host " + strings.Repeat("a b ", 200),
	} {
		_, err := parseCandidate(bad)
		require.ErrorIs(t, err, errCandidate, bad)
		require.Less(t, len(err.Error()), 200)
	}
}

func TestCandidatesAreReadAsWritten(t *testing.T) {
	for _, c := range []remoteCandidate{
		{addrPort("10.0.0.1:5000"), kindHost},
		{addrPort("[2001:db8::1]:1"), kindSrflx},
		{addrPort("192.0.2.1:65535"), kindRelay},
	} {
		text := formatCandidate(c.kind, c.addr, c.addr.Addr(), priority(c.kind, 0, 0))
		again, err := parseCandidate(text)
		require.NoError(t, err)
		require.Equal(t, c, again)
	}
}

// "priority = pref·2²⁴ + localpref·2⁸ + 255", and a signed number of 32 bits.
func TestPriorities(t *testing.T) {
	require.Equal(t, uint32(126), priority(kindHost, 0, 0)>>24)
	require.Equal(t, uint32(100), priority(kindSrflx, 0, 0)>>24)
	require.Equal(t, uint32(0), priority(kindRelay, 0, 0)>>24)
	require.Greater(t, priority(kindHost, 0, 0), priority(kindHost, 0, 1))

	highest := priority(kindHost, 0, 0)
	for restart := 1; restart < 100; restart++ {
		lowest := priority(kindRelay, restart, MaxSockets)
		require.Greater(t, lowest, highest, "what is told after restart %d exceeds all before", restart)
		require.Greater(t, priority(kindSrflx, restart, MaxSockets), priority(kindRelay, restart, 0))
		require.Greater(t, priority(kindHost, restart, MaxSockets), priority(kindSrflx, restart, 0))
		highest = priority(kindHost, restart, 0)
	}
	for _, restart := range []int{100, 1000, 1 << 30} {
		require.LessOrEqual(t, priority(kindHost, restart, 0), uint32(126<<24|65535<<8|255))
		require.Equal(t, uint32(126), priority(kindRelay, restart, 0)>>24)
	}
}

func FuzzRemoteCandidate(f *testing.F) {
	f.Add("candidate:1234 0 udp 2130706431 10.0.0.1 5000 typ host")
	f.Add("candidate:1 1 udp 1 fd00::1 5000 typ srflx raddr :: rport 0")
	f.Add("candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active")
	f.Add("candidate:1 1 udp 1 x.local 5000 typ host")
	w := newWorld()
	a := newPeer(f, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{})
	f.Cleanup(func() { _ = a.Close() })
	a.Gather()
	if err := a.Start(true, "peer", "pw"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCandidate(text)
		if err == nil {
			written := formatCandidate(c.kind, c.addr, c.addr.Addr(), 1)
			again, err := parseCandidate(written)
			require.NoError(t, err)
			require.Equal(t, c, again)
		}
		_ = a.AddCandidate(text)
		in := a.Agent.(*agent)
		in.mu.Lock()
		defer in.mu.Unlock()
		require.LessOrEqual(t, len(in.remotes), MaxRemote)
		require.LessOrEqual(t, len(in.work.remotes), MaxRemote)
		require.LessOrEqual(t, len(in.paths), maxPaths)
		require.LessOrEqual(t, len(in.checks), maxChecks)
	})
}

func TestRemoteCandidatesAreBounded(t *testing.T) {
	w := newWorld()
	a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{})
	defer a.Close()
	for i := range 3 * MaxRemote {
		require.NoError(t, a.AddCandidate(fmt.Sprintf("candidate:1 1 udp 1 10.0.0.1 %d typ host", i+1)))
	}
	in := a.Agent.(*agent)
	in.mu.Lock()
	defer in.mu.Unlock()
	require.Len(t, in.remotes, MaxRemote)
	require.Equal(t, addrPort(fmt.Sprintf("10.0.0.1:%d", 3*MaxRemote)), in.remotes[MaxRemote-1].addr, "the newest are kept")
}
