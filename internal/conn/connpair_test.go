package conn

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

const pairStart = mono.Time(time.Hour)

func pairConfig(id uint32, identity crypto.Identity) Config {
	return Config{
		LocalID:   id,
		Identity:  identity,
		Remote:    netip.MustParseAddrPort("127.0.0.1:1"),
		WallClock: 1,
		Rand:      rand.NewChaCha8([32]byte{byte(id)}),
		Settings: Settings{
			TimeoutInitial: time.Second, TimeoutConnected: time.Second,
			SNP: snp.Config{SendBufferSize: 1 << 20, RecvBufferSize: 1 << 20, RecvBufferMessages: 1000, RecvMaxMessageSize: 1 << 19,
				RecvMaxSegmentsPerPacket: 1300, SendRateMin: 1 << 20, SendRateMax: 1 << 20},
		},
	}
}

func TestNewPair(t *testing.T) {
	t.Parallel()
	alice, bob := crypto.GenericString("alice"), crypto.IPAddress(netip.MustParseAddrPort("192.0.2.1:9"))
	a, b, err := NewPair(pairConfig(0x10001, alice), pairConfig(0x20002, bob), pairStart)
	require.NoError(t, err)
	for _, c := range []*Conn{a, b} {
		require.Equal(t, StateConnected, c.State())
		_, ok := c.NextEvent()
		require.False(t, ok)
		require.EqualValues(t, -1, c.PingMilliseconds(), "nothing has been measured")
		require.Equal(t, crypto.CipherAES256GCM, c.Cipher())
		sent, _ := c.Traffic()
		require.Zero(t, sent)
	}
	require.Equal(t, bob, a.Identity())
	require.Equal(t, alice, b.Identity())

	for from, to := range map[*Conn]*Conn{a: b, b: a} {
		_, err := from.Send(pairStart, 0, []byte("hello"), snp.SendReliable|snp.SendNoNagle)
		require.NoError(t, err)
		for {
			p, ok := from.AppendPacket(pairStart, nil)
			if !ok {
				break
			}
			to.Receive(pairStart, p)
		}
		got := to.NextMessages(nil)
		require.Len(t, got, 1)
		require.Equal(t, "hello", string(got[0].Data))
	}

	bad := pairConfig(3, alice)
	bad.Settings.Unencrypted = 3
	_, _, err = NewPair(pairConfig(0x10001, alice), bad, pairStart)
	require.ErrorIs(t, err, ErrHandshakeFailed)
}

func newPipe(limits snp.Config) (*PipeEnd, *PipeEnd) {
	return NewPipe(PipeConfig{LocalID: 1, Identity: crypto.GenericString("alice"), Settings: Settings{SNP: limits}},
		PipeConfig{LocalID: 2, Identity: crypto.GenericString("bob"), Settings: Settings{SNP: limits}}, pairStart)
}

var wide = snp.Config{RecvBufferSize: 1 << 28, RecvBufferMessages: 1 << 28, RecvMaxMessageSize: 1 << 28}

func TestPipeCarriesMessagesAtOnce(t *testing.T) {
	t.Parallel()
	a, b := newPipe(wide)
	require.Equal(t, "str:bob", a.Identity().String())
	require.Equal(t, "str:alice", b.Identity().String())
	require.NoError(t, a.ConfigureLanes(pairStart, nil, []uint16{1, 1}))
	data := []byte("first")
	for i, lane := range []int{0, 1, 0} {
		number, err := a.Send(pairStart, lane, data, snp.SendReliable*snp.SendFlags(i%2))
		require.NoError(t, err)
		require.EqualValues(t, 1+i/2, number)
	}
	data[0] = 'F' // the copy is the receiver's
	got := b.NextMessages(nil)
	require.Len(t, got, 3)
	for i, m := range got {
		require.Equal(t, "first", string(m.Data))
		require.Equal(t, i%2, m.Lane)
		require.Equal(t, i == 1, m.Reliable)
		require.Equal(t, pairStart, m.Received)
	}
	require.Empty(t, b.NextMessages(nil))
	n, err := b.Send(pairStart, 0, nil, 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, n, "the directions count apart")
}

func TestPipeRefuses(t *testing.T) {
	t.Parallel()
	a, b := newPipe(snp.Config{RecvBufferSize: 10, RecvBufferMessages: 3, RecvMaxMessageSize: 8})
	send := func(size int) error {
		_, err := a.Send(pairStart, 0, make([]byte, size), snp.SendReliable)
		return err
	}
	require.ErrorIs(t, send(9), snp.ErrTooBig)
	_, err := a.Send(pairStart, 1, nil, 0)
	require.ErrorIs(t, err, snp.ErrBadLane)
	_, err = a.Send(pairStart, -1, nil, 0)
	require.ErrorIs(t, err, snp.ErrBadLane)
	require.NoError(t, send(8))
	require.False(t, b.Consumed(pairStart, 0, 0), "nobody waits")
	require.ErrorIs(t, send(3), snp.ErrBufferFull)
	require.NoError(t, send(2))
	require.NoError(t, send(0))
	require.ErrorIs(t, send(0), snp.ErrBufferFull, "three messages")
	require.True(t, b.Consumed(pairStart, 3, 10))
	require.NoError(t, send(8))
	require.ErrorIs(t, a.Accept(pairStart), ErrNotConnecting)
	for name, lanes := range map[string]struct {
		priorities []int
		weights    []uint16
	}{
		"none": {nil, nil}, "zero weight": {nil, []uint16{1, 0}}, "unequal": {[]int{1}, []uint16{1, 1}},
		"too many": {make([]int, 256), nil},
	} {
		require.ErrorIs(t, a.ConfigureLanes(pairStart, lanes.priorities, lanes.weights), snp.ErrBadLanes, name)
	}
	require.NoError(t, a.ConfigureLanes(pairStart, make([]int, 255), nil))
	require.ErrorIs(t, a.ConfigureLanes(pairStart, make([]int, 254), nil), snp.ErrBadLanes, "fewer than before")
	require.Len(t, a.Status(pairStart).Lanes, 255)
}

func TestPipeCloses(t *testing.T) {
	t.Parallel()
	a, b := newPipe(wide)
	_, err := a.Send(pairStart, 0, []byte("last"), 0)
	require.NoError(t, err)
	require.NoError(t, a.Close(pairStart, 1234, strings.Repeat("x", 200), true))
	require.ErrorIs(t, a.Close(pairStart, 0, "", false), ErrClosed)
	text := strings.Repeat("x", maxDebug)
	e, ok := a.NextEvent()
	require.True(t, ok)
	require.Equal(t, Event{Old: StateConnected, New: StateDead, Reason: 1234, Debug: text}, e)
	e, ok = b.NextEvent()
	require.True(t, ok)
	require.Equal(t, Event{Old: StateConnected, New: StateClosedByPeer, Reason: 1234, Debug: text}, e)
	require.Len(t, b.NextMessages(nil), 1, "what was sent can be read")
	for _, p := range []*PipeEnd{a, b} {
		_, err = p.Send(pairStart, 0, nil, 0)
		require.ErrorIs(t, err, ErrNotConnected)
		require.ErrorIs(t, p.Flush(pairStart), ErrNotConnected)
		require.ErrorIs(t, p.ConfigureLanes(pairStart, make([]int, 2), nil), ErrNotConnected)
	}
	require.NoError(t, b.Close(pairStart, 1000, "other", false))
	e, _ = b.NextEvent()
	require.Equal(t, Event{Old: StateClosedByPeer, New: StateDead, Reason: 1234, Debug: text}, e, "the first reason stays")
	_, ok = a.NextEvent()
	require.False(t, ok)
	require.True(t, a.Settled() && b.Settled())
}
