package lossy

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/signaling/memory"
	"github.com/stretchr/testify/require"
)

var alice, bob = crypto.GenericString("alice"), crypto.GenericString("bob")

// inbox is what arrives. No mutex: package memory calls one handler at a time.
type inbox struct {
	signals     []string
	times       []time.Time
	unreachable int
}

func (b *inbox) Signal(_ crypto.Identity, signal []byte) {
	b.signals = append(b.signals, string(signal))
	b.times = append(b.times, time.Now())
}

func (b *inbox) Unreachable(crypto.Identity, error) { b.unreachable++ }

// exchange sends so many signals from alice to bob under the conditions.
func exchange(t *testing.T, c Conditions, count int) *inbox {
	bad, err := New(memory.New(), c)
	require.NoError(t, err)
	var b inbox
	receiver, err := bad.Open(bob, &b)
	require.NoError(t, err)
	a, err := bad.Open(alice, &inbox{})
	require.NoError(t, err)
	for i := range count {
		signal := []byte(fmt.Sprint(i))
		require.NoError(t, a.SendSignal(bob, signal))
		clear(signal)
	}
	time.Sleep(2*c.Delay + 1) // of the bubble's time
	synctest.Wait()
	require.NoError(t, a.Close())
	require.NoError(t, receiver.Close())
	return &b
}

func TestGoodConditionsChangeNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := exchange(t, Conditions{}, 3)
		require.Equal(t, []string{"0", "1", "2"}, b.signals)
	})
}

func TestShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := exchange(t, Conditions{Loss: 0.3, Duplicate: 0.5, Seed: 1}, 10000)
		copies := map[string]int{}
		for _, s := range b.signals {
			copies[s]++
		}
		require.InDelta(t, 7000, len(copies), 150)
		require.InDelta(t, 1.5, float64(len(b.signals))/float64(len(copies)), 0.03)
	})
}

func TestDelaysAndSeeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Conditions{Loss: 0.2, Duplicate: 0.2, Delay: time.Second, Seed: 5}
		start := time.Now()
		one := exchange(t, c, 1000)
		var sum time.Duration
		for _, at := range one.times {
			require.LessOrEqual(t, at.Sub(start), 2*c.Delay)
			sum += at.Sub(start)
		}
		require.InDelta(t, c.Delay, sum/time.Duration(len(one.times)), float64(c.Delay)/10)
		require.NotEqual(t, "0", one.signals[0], "overtaken")
		require.Equal(t, one.signals, exchange(t, c, 1000).signals)
		c.Seed++
		require.NotEqual(t, one.signals, exchange(t, c, 1000).signals)
	})
}

func TestCloseEndsDelayedSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := memory.New()
		var b inbox
		_, err := service.Open(bob, &b)
		require.NoError(t, err)
		bad, err := New(service, Conditions{Delay: time.Hour})
		require.NoError(t, err)
		a, err := bad.Open(alice, &inbox{})
		require.NoError(t, err)
		for range MaxDelayed + 1 {
			require.NoError(t, a.SendSignal(bob, nil))
		}
		require.NoError(t, a.Close())
		require.NoError(t, a.Close(), "again")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		require.Empty(t, b.signals)
		require.ErrorIs(t, a.SendSignal(bob, nil), p2p.ErrClosed)
	})
}

// failing is a service that does not work.
type failing struct{ err error }

func (f failing) Open(crypto.Identity, p2p.SignalHandler) (p2p.SignalingClient, error) {
	return nil, f.err
}

func TestWhatTheServiceSaysIsPassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		bad, err := New(failing{broken}, Conditions{})
		require.NoError(t, err)
		_, err = bad.Open(alice, &inbox{})
		require.ErrorIs(t, err, broken)

		bad, err = New(memory.New(), Conditions{})
		require.NoError(t, err)
		var a inbox
		c, err := bad.Open(alice, &a)
		require.NoError(t, err)
		require.ErrorContains(t, c.SendSignal(crypto.Identity{}, nil), "no identity")
		require.NoError(t, c.SendSignal(bob, nil))
		synctest.Wait()
		require.Equal(t, 1, a.unreachable)
	})
}

func TestConditionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, c := range []Conditions{{Loss: -0.1}, {Loss: 30}, {Duplicate: math.NaN()}, {Delay: -1}, {Delay: 2 * time.Hour}} {
		_, err := New(memory.New(), c)
		require.Error(t, err, "%+v", c)
	}
}
