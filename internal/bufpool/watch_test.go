package bufpool

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// watched runs f under a Watch. These tests do not run at the same time as others of the package.
func watched(t *testing.T, places bool, f func(w *Watch)) {
	w, err := StartWatch(places)
	require.NoError(t, err)
	defer w.Stop()
	f(w)
}

func TestWatchCountsWhatIsOut(t *testing.T) {
	before := Get(10)
	watched(t, false, func(w *Watch) {
		a, b := Get(100), Get(5000)
		big := Get(2 << 20)
		n, bytes := w.Lent()
		require.Equal(t, 3, n)
		require.Equal(t, 128+8192+2<<20, bytes)
		require.EqualError(t, w.Err(), "bufpool: 3 buffers with 2105472 bytes were not released")
		a.Release()
		big.Release()
		before.Release()
		n, bytes = w.Lent()
		require.Equal(t, 1, n)
		require.Equal(t, 8192, bytes)
		b.B = b.B[:7] // owners may shorten it
		b.Release()
		require.NoError(t, w.Err())
	})
}

func TestWatchSeesABufferReleasedTwice(t *testing.T) {
	watched(t, false, func(w *Watch) {
		b := Get(100)
		b.Release()
		b.Release()
		require.EqualError(t, w.Err(), "bufpool: a buffer was released twice")
		c, d := Get(100), Get(100)
		require.NotSame(t, c, d, "it is not lent twice for that")
		c.Release()
		d.Release()
	})
}

func TestWatchSpoilsWhatWasReleased(t *testing.T) {
	watched(t, false, func(*Watch) {
		b := Get(10000)
		data := b.B[:cap(b.B)]
		clear(data)
		b.Release()
		require.Equal(t, bytes.Repeat([]byte{0xdb}, len(data)), data)
	})
}

func TestWatchNamesThePlaces(t *testing.T) {
	watched(t, true, func(w *Watch) {
		var out []*Buffer
		for range 3 {
			out = append(out, Get(1))
		}
		out = append(out, Get(1))
		require.Regexp(t, `^bufpool: 4 buffers with 256 bytes were not released
3 lent at \s+\S+watch_test.go:\d+\n(.*\n)+1 lent at \s+\S+watch_test.go:\d+\n`, w.Err().Error())
		for _, b := range out {
			b.Release()
		}
		require.NoError(t, w.Err())
		out[0].Release()
		require.Regexp(t, `^bufpool: a buffer was released twice, for the second time at \s+\S+watch_test.go:\d+\n`, w.Err().Error())
	})
}

func TestOneWatchAtATime(t *testing.T) {
	watched(t, false, func(w *Watch) {
		_, err := StartWatch(false)
		require.EqualError(t, err, "bufpool: another Watch is running")
		w.Stop()
		again, err := StartWatch(false)
		require.NoError(t, err)
		w.Stop() // stopped before: it does not stop the other
		b := Get(1)
		n, _ := again.Lent()
		require.Equal(t, 1, n)
		b.Release()
		again.Stop()
	})
}
