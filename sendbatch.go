package gns

import (
	"fmt"

	"github.com/gogns/gns/snp"
)

// OutMessage is a message to send with SendMessages.
type OutMessage struct {
	// Conn, Data, Flags and Lane say what to send, and where.
	Conn  Connection
	Data  []byte
	Flags SendFlags
	Lane  int

	// Number and Err are filled in: the number of the message on its lane, or why it was not sent.
	Number int64
	Err    error
}

// ErrNotAttempted is what SendMessages leaves in messages that it did not try to send because an
// earlier one to the same connection failed (Valve's result 0). It is an ErrFail.
var ErrNotAttempted = fmt.Errorf("%w: an earlier message of the batch failed", ErrFail)

// SendMessages sends messages on any number of connections and lanes, in order, and fills in the Number or
// Err of each. Once a message fails for whatever reason, later ones to the same connection are not tried,
// so that what arrives has no gaps; their Err is ErrNotAttempted. Other connections go on.
//
// Messages for the same connection are best kept together: they then share packets, as if sent with one
// call. Nil entries are skipped, and connection 0 is an ErrInvalidParam each time.
func (s *Sockets) SendMessages(messages []*OutMessage) {
	var failed map[Connection]struct{}
	var through *endpoint // of the latest connection, with packets to send
	defer func() { through.flush() }()
	for len(messages) > 0 {
		first, n := messages[0], 1
		if first == nil {
			messages = messages[1:]
			continue
		}
		for n < len(messages) && messages[n] != nil && messages[n].Conn == first.Conn {
			n++
		}
		run := messages[:n]
		messages = messages[n:]
		if first.Conn == 0 {
			refuse(run, ResultInvalidParam.errorf("connection 0"), false)
			continue
		}
		if _, skip := failed[first.Conn]; skip {
			refuse(run, ErrNotAttempted, false)
			continue
		}
		ep, ok := s.sendRun(run)
		if ep != through {
			through.flush()
			through = ep
		}
		if !ok {
			if failed == nil {
				failed = make(map[Connection]struct{})
			}
			failed[first.Conn] = struct{}{}
		}
	}
}

// refuse leaves err in messages that were not sent, ErrNotAttempted in all but the first if the others
// failed only with it.
func refuse(run []*OutMessage, err error, first bool) {
	for _, m := range run {
		m.Number, m.Err = 0, err
		if first {
			err = ErrNotAttempted
		}
	}
}

// sendRun queues messages on one connection. Nothing is sent before all are queued, as long as there is
// room, so that a lane goes before those of lower priority wherever in the batch it is. It returns the
// endpoint whose transmitter is to send what is waiting, and whether all were sent.
func (s *Sockets) sendRun(run []*OutMessage) (*endpoint, bool) {
	c, err := s.lookup(run[0].Conn)
	if err != nil {
		refuse(run, err, true)
		return nil, false
	}
	now := c.lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		refuse(run, err, true)
		return nil, false
	}
	waiting := false // messages are queued that have had no chance to be sent
	for i, m := range run {
		m.Number, m.Err = c.core.Send(now, m.Lane, m.Data, snp.SendFlags(m.Flags))
		if m.Err != nil && waiting { // there may be room when some have gone
			c.pump(now)
			waiting = false
			m.Number, m.Err = c.core.Send(now, m.Lane, m.Data, snp.SendFlags(m.Flags))
		}
		m.Err = resultOf(m.Err)
		c.tally.sent(len(m.Data), m.Err)
		if m.Err != nil {
			refuse(run[i+1:], ErrNotAttempted, false)
			c.pumpLater(now)
			return c.ep, false
		}
		waiting = true
	}
	c.pumpLater(now)
	return c.ep, true
}

// flush sends what waits for the transmitter. A nil endpoint has nothing.
func (e *endpoint) flush() {
	if e != nil {
		e.tx.flush(e.s.now())
	}
}
