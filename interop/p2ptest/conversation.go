package p2ptest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gogns/gns"
)

// conversation is what the peers of test_p2p say to each other: messages of all sizes, some reliable and some not, each of which
// begins with its number among those of its sort. Reliable ones must arrive complete and in order.
type conversation struct {
	s        *gns.Sockets
	conn     gns.Connection
	dice     *rand.Rand
	ticks    int
	sent     [2]int32 // unreliable, reliable
	expected int32    // number of the next reliable message
}

const (
	counterSize   = 4
	smallest      = 8
	largest       = 10240
	perTick       = 4
	pendingEnough = 32 << 10 // bytes in the send buffer
)

func newConversation(s *gns.Sockets, conn gns.Connection, dice *rand.Rand) *conversation {
	return &conversation{s: s, conn: conn, dice: dice}
}

func (c *conversation) tick() error {
	c.ticks++
	if err := c.receive(); err != nil {
		return err
	}
	return c.send()
}

// receive checks everything that has arrived.
func (c *conversation) receive() error {
	var messages [64]*gns.Message
	for {
		n, err := c.s.ReceiveMessagesOnConnection(c.conn, messages[:])
		if err != nil || n == 0 {
			return err
		}
		for _, m := range messages[:n] {
			if len(m.Data) < counterSize {
				return fmt.Errorf("a message of %d bytes", len(m.Data))
			}
			number := int32(binary.LittleEndian.Uint32(m.Data))
			if m.Flags&gns.SendReliable == 0 {
				continue
			}
			if number != c.expected {
				return fmt.Errorf("reliable message %d came instead of %d", number, c.expected)
			}
			c.expected++
		}
	}
}

// send sends a few messages, most of them small.
func (c *conversation) send() error {
	status, err := c.s.ConnectionRealTimeStatus(c.conn)
	if err != nil {
		return err
	}
	if status.State != gns.StateConnected {
		return nil // the peer has closed, which the next callback tells
	}
	if status.PendingReliable+status.PendingUnreliable >= pendingEnough {
		return nil
	}
	for range c.dice.IntN(perTick + 1) {
		size := min(smallest+int(math.Exp(c.dice.Float64()*math.Log(largest-smallest))), largest)
		data := make([]byte, size)
		sort := c.dice.IntN(2)
		binary.LittleEndian.PutUint32(data, uint32(c.sent[sort]))
		flags := gns.SendUnreliable
		if sort == 1 {
			flags = gns.SendReliable
		}
		switch _, err := c.s.SendMessageToConnection(c.conn, data, flags); {
		case errors.Is(err, gns.ErrNoConnection): // as above
			return nil
		case err != nil:
			return err
		}
		c.sent[sort]++
	}
	return nil
}
