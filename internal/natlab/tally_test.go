//go:build linux

package natlab

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// messageKind is the first byte of a message, which a counter follows.
type messageKind byte

const (
	reliableMessage   messageKind = 'r'
	unreliableMessage messageKind = 'u'
	lastMessage       messageKind = 'l' // reliable as well; the counter is how many reliable messages there were
)

// messageSize is that of a small update in a game.
const messageSize = 120

func newMessage(kind messageKind, counter int) []byte {
	m := make([]byte, messageSize)
	m[0] = byte(kind)
	binary.BigEndian.PutUint64(m[1:], uint64(counter))
	return m
}

// tally checks what arrives.
type tally struct {
	reliable   int          // messages
	unreliable map[int]bool // seen
	duplicates int          // unreliable messages that came again
	complete   bool         // the last message has come
	wrong      string       // the first thing that must not happen
	heard      time.Time    // when something arrived; the beginning at first
	longest    time.Duration
}

func newTally(now time.Time) *tally { return &tally{unreliable: map[int]bool{}, heard: now} }

func (c *tally) receive(now time.Time, m []byte) {
	c.longest, c.heard = max(c.longest, now.Sub(c.heard)), now
	if len(m) != messageSize {
		c.fail("message of %d bytes", len(m))
		return
	}
	counter := int(binary.BigEndian.Uint64(m[1:]))
	switch messageKind(m[0]) {
	case reliableMessage:
		if counter != c.reliable || c.complete {
			c.fail("reliable message %d instead of %d", counter, c.reliable)
		}
		c.reliable++
	case unreliableMessage:
		if c.unreliable[counter] {
			c.duplicates++
		}
		c.unreliable[counter] = true
	case lastMessage:
		if counter != c.reliable || c.complete {
			c.fail("the end after %d reliable messages instead of %d", c.reliable, counter)
		}
		c.complete = true
	default:
		c.fail("message of kind %q", m[0])
	}
}

func (c *tally) fail(format string, args ...any) {
	if c.wrong == "" {
		c.wrong = fmt.Sprintf(format, args...)
	}
}

// silence is how long nothing has arrived.
func (c *tally) silence(now time.Time) time.Duration { return now.Sub(c.heard) }

// pause returns the longest time in which nothing arrived, and begins anew.
func (c *tally) pause(now time.Time) time.Duration {
	longest := max(c.longest, c.silence(now))
	c.longest = 0
	return longest
}

func TestTallyNoticesWhatMustNotHappen(t *testing.T) {
	r := func(n int) []byte { return newMessage(reliableMessage, n) }
	u := func(n int) []byte { return newMessage(unreliableMessage, n) }
	last := func(n int) []byte { return newMessage(lastMessage, n) }
	for _, tc := range []struct {
		name       string
		messages   [][]byte
		wrong      string
		duplicates int
	}{
		{"all in order", [][]byte{r(0), u(0), r(1), u(5), last(2)}, "", 0},
		{"unreliable in disorder", [][]byte{u(4), u(2), u(3)}, "", 0},
		{"lost", [][]byte{r(0), r(2)}, "reliable message 2 instead of 1", 0},
		{"reordered", [][]byte{r(1), r(0)}, "reliable message 1 instead of 0", 0},
		{"doubled", [][]byte{r(0), r(0)}, "reliable message 0 instead of 1", 0},
		{"lost at the end", [][]byte{r(0), last(2)}, "the end after 1 reliable messages instead of 2", 0},
		{"after the end", [][]byte{last(0), r(0)}, "reliable message 0 instead of 0", 0},
		{"unreliable doubled", [][]byte{u(1), u(2), u(1)}, "", 1},
		{"changed", [][]byte{[]byte("x")}, "message of 1 bytes", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newTally(time.Time{})
			for _, m := range tc.messages {
				c.receive(time.Time{}, m)
			}
			require.Equal(t, tc.wrong, c.wrong)
			require.Equal(t, tc.duplicates, c.duplicates)
		})
	}
}

func TestTallyMeasuresPauses(t *testing.T) {
	at := func(s int) time.Time { return time.Time{}.Add(time.Duration(s) * time.Second) }
	c := newTally(at(0))
	c.receive(at(1), newMessage(reliableMessage, 0))
	c.receive(at(4), newMessage(reliableMessage, 1))
	c.receive(at(5), newMessage(unreliableMessage, 0))

	require.Equal(t, 2*time.Second, c.silence(at(7)))
	require.Equal(t, 3*time.Second, c.pause(at(7)))
	require.Equal(t, 4*time.Second, c.pause(at(9)), "one that lasts")
	c.receive(at(10), newMessage(unreliableMessage, 1))
	c.receive(at(11), newMessage(unreliableMessage, 2))
	require.Equal(t, 5*time.Second, c.pause(at(11)))
}
