package conn

import (
	"testing"
	"time"

	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

// chat lets the client say something ten times a second for d, so that there is something to measure.
func (p *pair) chat(d time.Duration) {
	for range int(d / (100 * time.Millisecond)) {
		_, err := p.client.Send(p.now, 0, []byte("twenty bytes of news"), snp.SendReliable)
		require.NoError(p.t, err)
		p.run(100 * time.Millisecond)
	}
}

func TestDetailsBeforeAnythingIsKnown(t *testing.T) {
	p := newConnectedPair(t)
	d := p.client.Details(p.now)
	require.Equal(t, StateConnected, d.State)
	require.EqualValues(t, 20, d.PingMs)
	require.Equal(t, time.Second-40*time.Millisecond, d.InState, "two round trips of handshake")
	require.EqualValues(t, -1, d.LocalAge)
	require.EqualValues(t, -1, d.RemoteAge)
	require.EqualValues(t, -1, d.RemoteLifetimeAge)
	require.EqualValues(t, 1, d.Lifetime.ConnectedSeconds)
	require.NotZero(t, d.Lifetime.SentPackets, "the handshake counts")
	require.Len(t, d.Lanes, 1)
}

func TestDetailsOfBothSides(t *testing.T) {
	p := newConnectedPair(t, func(p *pair) { p.clientSettings.SendTimeSincePrevious = 1 }) // or there is no jitter to see
	p.chat(150 * time.Second)
	d := p.server.Details(p.now)
	require.InDelta(t, 10, d.Local.InPacketsPerSec, 2)
	require.Less(t, d.LocalAge, 6*time.Second)
	require.GreaterOrEqual(t, d.LocalAge, time.Duration(0))
	require.EqualValues(t, 151, d.Lifetime.ConnectedSeconds)
	require.InDelta(t, d.Local.InPacketsPerSec, d.Remote.OutPacketsPerSec, 2, "what the client told")
	require.Less(t, d.RemoteAge, 31*time.Second)
	require.GreaterOrEqual(t, d.RemoteAge, time.Duration(0))
	require.InDelta(t, 150, (time.Duration(d.RemoteLifetime.ConnectedSeconds)*time.Second + d.RemoteLifetimeAge).Seconds(), 3)
	require.Greater(t, d.RemoteLifetime.SentPackets, uint64(1000))

	// Who looks at details must not take the worst jitter away from who polls the status.
	require.NotEqual(t, time.Duration(-1), d.MaxJitter)
	require.Equal(t, d.MaxJitter, p.server.Status(p.now).MaxJitter)
	require.Equal(t, time.Duration(-1), p.server.Details(p.now).MaxJitter)
}

func TestDetailsKeepTheHistoryOfAnEndedConnection(t *testing.T) {
	p := newConnectedPair(t)
	p.chat(10 * time.Second)
	require.NoError(t, p.server.Close(p.now, EndAppMin, "enough", false))
	p.run(time.Minute)
	d := p.client.Details(p.now)
	require.Equal(t, StateClosedByPeer, d.State)
	require.Equal(t, time.Minute-p.latency, d.InState)
	require.EqualValues(t, 11, d.Lifetime.ConnectedSeconds, "the clock stops when the connection ends")
	require.Greater(t, d.Lifetime.SentPackets, uint64(100))
	require.Greater(t, d.LocalAge, time.Minute-p.latency)
	require.Empty(t, d.Lanes)

	require.NoError(t, p.client.Close(p.now, EndAppMin, "", false))
	require.Zero(t, p.client.Details(p.now).Lifetime.ConnectedSeconds)
}
