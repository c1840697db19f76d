package valve

import (
	"unsafe"
)

// Message is a received message.
type Message struct {
	Conn     Connection
	Data     []byte
	Identity string
	UserData int64 // of the connection
	Received int64 // on the library's clock, microseconds
	Number   int64
	Flags    int
	Lane     int
	Channel  int // of messages to users
}

// SendMessageToConnection sends on lane 0; its errors are Results.
func (l *Library) SendMessageToConnection(c Connection, data []byte, flags int) (number int64, err error) {
	err = l.sym.Send(l.sockets, uint32(c), unsafe.SliceData(data), uint32(len(data)), int32(flags), &number).err()
	return number, err
}

// OutMessage is a message for SendMessages, which fills in Number, or Err if it was refused.
// ErrNotAttempted stands for the library's answer 0.
type OutMessage struct {
	Conn  Connection
	Lane  int
	Flags int
	Data  []byte

	Number int64
	Err    error
}

type notAttempted struct{}

func (notAttempted) Error() string {
	return "valve: not attempted because an earlier message of the batch failed"
}

// ErrNotAttempted marks messages behind a refused one to the same connection in one batch.
var ErrNotAttempted error = notAttempted{}

// SendMessages sends a batch, each message on its own lane.
func (l *Library) SendMessages(batch []*OutMessage) {
	if len(batch) == 0 {
		return
	}
	messages := make([]*message, len(batch))
	results := make([]int64, len(batch))
	for i, out := range batch {
		m := l.sym.AllocateMessage(l.utils, int32(len(out.Data)))
		m.conn = uint32(out.Conn)
		m.flags = int32(out.Flags)
		m.lane = uint16(out.Lane)
		if len(out.Data) > 0 {
			copy(unsafe.Slice((*byte)(m.data), m.size), out.Data)
		}
		messages[i] = m
	}
	l.sym.SendMessages(l.sockets, int32(len(messages)), &messages[0], &results[0], true)
	for i, out := range batch {
		switch r := results[i]; {
		case r > 0:
			out.Number = r
		case r < 0:
			out.Err = Result(-r)
		default:
			out.Err = ErrNotAttempted
		}
	}
}

// FlushMessagesOnConnection sends what waits for the Nagle timer; its errors are Results.
func (l *Library) FlushMessagesOnConnection(c Connection) error {
	return l.sym.Flush(l.sockets, uint32(c)).err()
}

// MaxReceive is how many messages the receiving calls return at most. When they return fewer, there
// were no more.
const MaxReceive = 64

// ReceiveMessagesOnConnection returns at most MaxReceive messages that have arrived, never blocking.
func (l *Library) ReceiveMessagesOnConnection(c Connection) ([]Message, error) {
	var batch [MaxReceive]*message
	return l.take(&batch, l.sym.Receive(l.sockets, uint32(c), &batch[0], int32(len(batch))))
}

// ReceiveMessagesOnPollGroup returns at most MaxReceive messages that have arrived, never blocking.
func (l *Library) ReceiveMessagesOnPollGroup(g PollGroup) ([]Message, error) {
	var batch [MaxReceive]*message
	return l.take(&batch, l.sym.ReceivePollGroup(l.sockets, uint32(g), &batch[0], int32(len(batch))))
}

// take copies the first n messages into Go memory and releases them.
func (l *Library) take(batch *[MaxReceive]*message, n int32) ([]Message, error) {
	if n < 0 {
		return nil, ResultInvalidParam
	}
	out := make([]Message, 0, n)
	for _, m := range batch[:n] {
		data := make([]byte, m.size)
		if m.size > 0 {
			copy(data, unsafe.Slice((*byte)(m.data), m.size))
		}
		out = append(out, Message{
			Conn:     Connection(m.conn),
			Data:     data,
			Identity: l.printIdentity(&m.peer),
			UserData: m.connUserData,
			Received: m.received,
			Number:   m.number,
			Flags:    int(m.flags),
			Lane:     int(m.lane),
			Channel:  int(m.channel),
		})
		l.sym.ReleaseMessage(m)
	}
	return out, nil
}
