package udpwire

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

func TestChallenge(t *testing.T) {
	c := NewChallenger([]byte("0123456789abcdef"))
	client := netip.MustParseAddrPort("192.0.2.1:1000")
	now := mono.Time(time.Hour)
	challenge := c.Challenge(now, client)

	require.True(t, c.Check(now, client, challenge))
	require.True(t, c.Check(now.Add(2800*time.Millisecond), client, challenge), "still good after 2.8 s")
	require.False(t, c.Check(now.Add(4400*time.Millisecond), client, challenge), "stale after 4.4 s")
	require.False(t, c.Check(now.Add(-1100*time.Millisecond), client, challenge), "from the future")

	for name, other := range map[string]string{"port": "192.0.2.1:1001", "address": "192.0.2.2:1000", "family": "[2001:db8::1]:1000"} {
		require.False(t, c.Check(now, netip.MustParseAddrPort(other), challenge), "other %s", name)
	}
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 1000)
	require.True(t, c.Check(now, mapped, challenge), "an IPv4 address is the same in its mapped form")

	for bit := range 64 {
		require.False(t, c.Check(now, client, challenge^1<<bit), "bit %d flipped", bit)
	}
	other := NewChallenger([]byte("fedcba9876543210"))
	require.False(t, other.Check(now, client, challenge), "other secret")
}

func TestChallengeSurvivesTickWrap(t *testing.T) {
	c := NewChallenger([]byte("0123456789abcdef"))
	client := netip.MustParseAddrPort("192.0.2.1:1000")
	wrap := mono.Time((1<<16)<<challengeTickShift) * mono.Time(time.Microsecond)
	challenge := c.Challenge(wrap.Add(-time.Second/2), client)
	require.True(t, c.Check(wrap.Add(time.Second), client, challenge))
}
