package config

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// levels is a chain of stores as a gns.Sockets builds it.
type levels struct {
	global, iface, listen, inbound, outbound *Store
}

func newLevels() levels {
	var l levels
	l.global = NewStore(Global, nil)
	l.iface = NewStore(SocketsInterface, l.global)
	l.listen = NewStore(ListenSocket, l.iface)
	l.inbound = NewStore(Connection, l.listen)
	l.outbound = NewStore(Connection, l.iface)
	return l
}

func wantValue(t *testing.T, s *Store, want Value, inherited bool) {
	t.Helper()
	got, inh, err := s.Get(want.ID())
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, inherited, inh, "inherited")
}

// Each value: its default, both limits, the scopes at which it exists, and back to the default.
func TestEveryValueInAStore(t *testing.T) {
	t.Parallel()
	for _, info := range All() {
		t.Run(info.Name, func(t *testing.T) {
			t.Parallel()
			l := newLevels()
			wantValue(t, l.global, info.Default, true)

			var given, want []Value
			switch info.Type {
			case TypeInt32:
				given = []Value{Int32(info.ID, math.MinInt32), Int32(info.ID, math.MaxInt32)}
				want = []Value{Int32(info.ID, int32(info.Min)), Int32(info.ID, int32(info.Max))}
			case TypeInt64:
				given = []Value{Int64(info.ID, math.MinInt64), Int64(info.ID, math.MaxInt64)}
				want = given
			case TypeFloat:
				given = []Value{Float(info.ID, float32(math.Inf(-1))), Float(info.ID, math.MaxFloat32)}
				want = []Value{Float(info.ID, float32(info.Min)), Float(info.ID, float32(info.Max))}
			case TypeString:
				given = []Value{String(info.ID, "x")}
				want = given
			case TypeFunc:
				given = []Value{Func(info.ID, func() {})}
				want = given
			}
			if info.ReadOnly {
				require.ErrorIs(t, l.global.Set(given[0]), ErrReadOnly)
				require.ErrorIs(t, l.global.Unset(info.ID), ErrReadOnly)
				require.ErrorIs(t, l.global.Lock(info.ID), ErrReadOnly)
				return
			}
			for _, s := range []*Store{l.global, l.iface, l.listen, l.inbound, l.outbound} {
				if s != l.global && info.Scope == Global {
					require.ErrorIs(t, s.Set(given[0]), ErrScope)
					require.ErrorIs(t, s.Unset(info.ID), ErrScope)
					require.ErrorIs(t, s.Lock(info.ID), ErrScope)
					_, _, err := s.Get(info.ID)
					require.ErrorIs(t, err, ErrScope)
					continue
				}
				for i := range given {
					require.NoError(t, s.Set(given[i]))
					wantValue(t, s, want[i], false)
				}
			}
			require.NoError(t, l.global.Unset(info.ID))
			wantValue(t, l.global, info.Default, true)
		})
	}
}

func TestUnsetValuesFollowTheLevelsAbove(t *testing.T) {
	t.Parallel()
	l := newLevels()
	all := func(global, iface, listen, inbound, outbound int32) {
		t.Helper()
		require.Equal(t, []int32{global, iface, listen, inbound, outbound}, []int32{
			l.global.Int32(NagleTime), l.iface.Int32(NagleTime), l.listen.Int32(NagleTime),
			l.inbound.Int32(NagleTime), l.outbound.Int32(NagleTime),
		})
	}
	all(5000, 5000, 5000, 5000, 5000)
	require.NoError(t, l.global.Set(Int32(NagleTime, 1)))
	all(1, 1, 1, 1, 1)
	require.NoError(t, l.iface.Set(Int32(NagleTime, 2)))
	all(1, 2, 2, 2, 2)
	require.NoError(t, l.listen.Set(Int32(NagleTime, 3)))
	all(1, 2, 3, 3, 2)
	require.NoError(t, l.inbound.Set(Int32(NagleTime, 4)))
	all(1, 2, 3, 4, 2)
	require.NoError(t, l.global.Set(Int32(NagleTime, 9)))
	all(9, 2, 3, 4, 2)
	require.NoError(t, l.listen.Unset(NagleTime))
	all(9, 2, 2, 4, 2)
	require.NoError(t, l.inbound.Unset(NagleTime))
	all(9, 2, 2, 2, 2)
	require.NoError(t, l.iface.Unset(NagleTime))
	all(9, 9, 9, 9, 9)
	require.NoError(t, l.global.Unset(NagleTime))
	all(5000, 5000, 5000, 5000, 5000)

	require.NoError(t, l.iface.Set(Int32(NagleTime, 5000)))
	wantValue(t, l.iface, Int32(NagleTime, 5000), false) // set, though to the default
	wantValue(t, l.inbound, Int32(NagleTime, 5000), true)
}

func TestSetConverts(t *testing.T) {
	t.Parallel()
	l := newLevels()
	require.NoError(t, l.global.Set(Float(NagleTime, 99.5)))
	wantValue(t, l.global, Int32(NagleTime, 100), false)
	require.NoError(t, l.global.Set(Int32(FakePacketLossSend, 7)))
	wantValue(t, l.global, Float(FakePacketLossSend, 7), false)
	require.NoError(t, l.global.Set(Int64(P2PSTUNServerList, 7)))
	wantValue(t, l.global, String(P2PSTUNServerList, "7"), false)

	require.ErrorIs(t, l.global.Set(String(NagleTime, "soon")), ErrConversion)
	require.ErrorIs(t, l.global.Set(Int64(NagleTime, 1<<31)), ErrConversion)
	require.ErrorIs(t, l.global.Set(Int32(CallbackAuthStatusChanged, 1)), ErrConversion)
	require.ErrorIs(t, l.global.Set(Func(NagleTime, func() {})), ErrConversion)
	wantValue(t, l.global, Int32(NagleTime, 100), false) // untouched by the failures
}

func TestUnknownValues(t *testing.T) {
	t.Parallel()
	l := newLevels()
	for _, id := range []ID{Invalid, -1, 1, 22, 35, 1000, math.MaxInt32, math.MinInt32} {
		require.ErrorIs(t, l.global.Set(Int32(id, 1)), ErrUnknown)
		require.ErrorIs(t, l.global.Unset(id), ErrUnknown)
		require.ErrorIs(t, l.global.Lock(id), ErrUnknown)
		_, _, err := l.global.Get(id)
		require.ErrorIs(t, err, ErrUnknown)
		require.False(t, l.global.Locked(id))
		require.Zero(t, l.global.Int32(id))
		require.Zero(t, l.global.Text(id))
	}
	require.ErrorIs(t, l.global.Set(Value{}), ErrUnknown)
}

func TestSetAllStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	l := newLevels()
	err := l.outbound.SetAll(Int32(NagleTime, 1), Float(FakePacketLossSend, 1), Int32(SendRateMax, 9999))
	require.ErrorIs(t, err, ErrScope)
	require.ErrorContains(t, err, "FakePacketLoss_Send")
	wantValue(t, l.outbound, Int32(NagleTime, 1), false)
	wantValue(t, l.outbound, Int32(SendRateMax, 262144), true)
	require.NoError(t, l.outbound.SetAll())
}

func TestLockedValuesKeepTheirOwnCopy(t *testing.T) {
	t.Parallel()
	l := newLevels()
	require.NoError(t, l.global.Set(Int32(IPAllowWithoutAuth, 1)))
	require.NoError(t, l.inbound.Lock(IPAllowWithoutAuth))
	require.True(t, l.inbound.Locked(IPAllowWithoutAuth))
	require.False(t, l.outbound.Locked(IPAllowWithoutAuth))
	require.False(t, l.inbound.Locked(Unencrypted))

	require.NoError(t, l.global.Set(Int32(IPAllowWithoutAuth, 0)))
	wantValue(t, l.inbound, Int32(IPAllowWithoutAuth, 1), false)
	wantValue(t, l.outbound, Int32(IPAllowWithoutAuth, 0), true)

	require.ErrorIs(t, l.inbound.Set(Int32(IPAllowWithoutAuth, 2)), ErrLocked)
	require.ErrorIs(t, l.inbound.Unset(IPAllowWithoutAuth), ErrLocked)
	generation := l.inbound.Generation()
	require.NoError(t, l.inbound.Lock(IPAllowWithoutAuth))
	require.Equal(t, generation, l.inbound.Generation(), "locking twice changes nothing")
	wantValue(t, l.inbound, Int32(IPAllowWithoutAuth, 1), false)

	require.NoError(t, l.inbound.Set(Int32(NagleTime, 1)), "other values stay free")
}

func TestUserDataIsBoundWhenAConnectionIsMade(t *testing.T) {
	t.Parallel()
	l := newLevels()
	wantValue(t, l.inbound, Int64(ConnectionUserData, -1), false)
	require.NoError(t, l.listen.Set(Int64(ConnectionUserData, 42)))
	wantValue(t, l.inbound, Int64(ConnectionUserData, -1), false)

	later := NewStore(Connection, l.listen)
	wantValue(t, later, Int64(ConnectionUserData, 42), false)
	require.NoError(t, l.listen.Set(Int64(ConnectionUserData, 43)))
	wantValue(t, later, Int64(ConnectionUserData, 42), false)
	require.NoError(t, later.Set(Int64(ConnectionUserData, 44)))
	wantValue(t, later, Int64(ConnectionUserData, 44), false)
	require.ErrorIs(t, later.Unset(ConnectionUserData), ErrLocked)
	require.NoError(t, l.listen.Unset(ConnectionUserData))
	wantValue(t, l.listen, Int64(ConnectionUserData, -1), true)
}

func TestDataSizeFollowsPacketSize(t *testing.T) {
	t.Parallel()
	l := newLevels()
	wantValue(t, l.inbound, Int32(MTUDataSize, 1200), true)
	require.NoError(t, l.listen.Set(Int32(MTUPacketSize, 500)))
	wantValue(t, l.global, Int32(MTUDataSize, 1200), true)
	wantValue(t, l.listen, Int32(MTUDataSize, 400), false)
	wantValue(t, l.inbound, Int32(MTUDataSize, 400), true)
	require.Equal(t, int32(400), l.inbound.Int32(MTUDataSize))
}

func TestTypedGettersReadGlobalValuesFromAnyLevel(t *testing.T) {
	t.Parallel()
	l := newLevels()
	require.NoError(t, l.global.Set(Int32(OutOfOrderCorrectionWindowMicroseconds, 7)))
	require.Equal(t, int32(7), l.inbound.Int32(OutOfOrderCorrectionWindowMicroseconds))
	require.NoError(t, l.global.Set(Float(FakePacketLossRecv, 1.5)))
	require.Equal(t, float32(1.5), l.inbound.Float(FakePacketLossRecv))
	require.NoError(t, l.iface.Set(String(P2PSTUNServerList, "stun")))
	require.Equal(t, "stun", l.inbound.Text(P2PSTUNServerList))
	require.NoError(t, l.inbound.Set(Int64(ConnectionUserData, 1<<40)))
	require.Equal(t, int64(1)<<40, l.inbound.Int64(ConnectionUserData))
	require.NoError(t, l.global.Set(Func(CallbackConnectionStatusChanged, func() int { return 3 })))
	require.Equal(t, 3, l.outbound.Func(CallbackConnectionStatusChanged).(func() int)())
	require.NoError(t, l.outbound.Set(Func(CallbackConnectionStatusChanged, nil)))
	require.Nil(t, l.outbound.Func(CallbackConnectionStatusChanged))
	require.Equal(t, Connection, l.inbound.Scope())
}

func TestGenerationGrowsWithChangesHereAndAbove(t *testing.T) {
	t.Parallel()
	l := newLevels()
	last := l.inbound.Generation()
	grows := func(what string, err error) {
		t.Helper()
		require.NoError(t, err)
		g := l.inbound.Generation()
		require.Greater(t, g, last, what)
		last = g
	}
	grows("set on the connection", l.inbound.Set(Int32(NagleTime, 1)))
	grows("set on the listen socket", l.listen.Set(Int32(NagleTime, 1)))
	grows("set on the interface", l.iface.Set(Int32(NagleTime, 1)))
	grows("set globally", l.global.Set(Int32(FakePacketLagSend, 1)))
	grows("unset globally", l.global.Unset(FakePacketLagSend))
	grows("lock", l.inbound.Lock(Unencrypted))

	require.NoError(t, l.outbound.Set(Int32(NagleTime, 1)))
	require.Equal(t, last, l.inbound.Generation(), "another connection's change is none of ours")
	require.Error(t, l.inbound.Set(Int32(Unencrypted, 1)))
	require.Equal(t, last, l.inbound.Generation(), "failures change nothing")
}

func TestStoreConcurrentUse(t *testing.T) {
	t.Parallel()
	l := newLevels()
	const rounds = 500
	before := l.inbound.Generation()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := range int32(rounds) {
				require.NoError(t, l.global.Set(Int32(NagleTime, i)))
				require.NoError(t, l.listen.Set(Int32(SendRateMin, 2000+i)))
				require.NoError(t, l.listen.Unset(SendRateMin))
			}
		})
	}
	wg.Go(func() {
		var last uint64
		for range rounds {
			g := l.inbound.Generation()
			require.GreaterOrEqual(t, g, last)
			last = g
			if rate := l.inbound.Int32(SendRateMin); rate != 262144 {
				require.GreaterOrEqual(t, rate, int32(2000))
				require.Less(t, rate, int32(2000+rounds))
			}
		}
	})
	wg.Wait()
	require.Equal(t, before+6*rounds, l.inbound.Generation())
}

func TestReadsDoNotAllocate(t *testing.T) {
	l := newLevels()
	require.NoError(t, l.global.Set(Int32(NagleTime, 1)))
	var sum int64
	require.Zero(t, testing.AllocsPerRun(100, func() {
		sum += int64(l.inbound.Generation())
		sum += int64(l.inbound.Int32(NagleTime)) + int64(l.inbound.Int32(MTUDataSize)) + l.inbound.Int64(ConnectionUserData)
		sum += int64(l.inbound.Float(FakePacketLossSend)) + int64(len(l.inbound.Text(P2PSTUNServerList)))
		v, _, _ := l.inbound.Get(SendRateMax)
		sum += int64(v.Int32())
	}))
	require.NotZero(t, sum)
}

// FuzzStore runs operations decoded from the input on a chain of stores and on a naive model of it.
func FuzzStore(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 0, 2, 2, 0, 0, 3, 1, 0})
	f.Add([]byte{0, 0, 1, 2, 0, 1, 0, 0, 9, 4, 0, 1, 5, 0, 3})
	ids := []ID{NagleTime, SendRateMin, TimeoutInitial, RecvBufferMessages, LocalVirtualPort}
	type cell struct {
		set, locked bool
		v           int32
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		chain := []*Store{NewStore(Global, nil)}
		for scope := SocketsInterface; scope <= Connection; scope++ {
			chain = append(chain, NewStore(scope, chain[len(chain)-1]))
		}
		model := make([]map[ID]cell, len(chain))
		for i := range model {
			model[i] = map[ID]cell{}
		}
		effective := func(depth int, id ID) int32 {
			for ; depth >= 0; depth-- {
				if c := model[depth][id]; c.set {
					return c.v
				}
			}
			info, _ := id.Info()
			return info.Default.Int32()
		}
		ops = ops[:min(len(ops), 3*64)]
		for len(ops) >= 3 {
			op, depth, id := ops[0]%3, int(ops[0]/3)%len(chain), ids[int(ops[1])%len(ids)]
			n := int32(int8(ops[2])) * 1000
			ops = ops[3:]
			c := model[depth][id]
			info, _ := id.Info()
			var err error
			switch op {
			case 0:
				err = chain[depth].Set(Int32(id, n))
				if !c.locked {
					c.set, c.v = true, int32(min(max(float64(n), info.Min), info.Max))
				}
			case 1:
				err = chain[depth].Unset(id)
				if !c.locked {
					c.set = false
				}
			case 2:
				require.NoError(t, chain[depth].Lock(id))
				if !c.locked {
					c = cell{true, true, effective(depth, id)}
				}
			}
			require.Equal(t, op != 2 && c.locked, err != nil)
			model[depth][id] = c
			for d, s := range chain {
				for _, id := range ids {
					v, inherited, err := s.Get(id)
					require.NoError(t, err)
					require.Equal(t, effective(d, id), v.Int32())
					require.Equal(t, !model[d][id].set, inherited)
					require.Equal(t, model[d][id].locked, s.Locked(id))
				}
			}
		}
	})
}

// Connections of a server are in the same state, and there are many.
func TestStoresInTheSameStateShareIt(t *testing.T) {
	listen := NewStore(ListenSocket, nil)
	require.NoError(t, listen.Set(Int32(NagleTime, 1)))
	connection := func() *Store {
		s := NewStore(Connection, listen)
		require.NoError(t, s.Lock(IPAllowWithoutAuth, Unencrypted))
		return s
	}
	a, b := connection(), connection()
	require.Same(t, a.level.Load(), b.level.Load())
	require.NoError(t, a.Set(Int32(NagleTime, 2)))
	require.EqualValues(t, 2, a.Int32(NagleTime))
	require.EqualValues(t, 1, b.Int32(NagleTime), "what one sets is no other's")

	require.NoError(t, listen.Set(Int32(Unencrypted, 1)))
	c := connection()
	require.EqualValues(t, 1, c.Int32(Unencrypted), "what is locked now is not what was then")
	require.EqualValues(t, 0, b.Int32(Unencrypted))
	require.ErrorIs(t, c.Lock(Unencrypted, MTUDataSize), ErrReadOnly)
	require.False(t, NewStore(Connection, listen).Locked(Unencrypted))
}
