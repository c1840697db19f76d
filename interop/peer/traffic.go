package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Class is a kind of message in a Traffic.
type Class struct {
	Flags int `json:"flags"`
	Min   int `json:"min"` // bytes; sizes from Min to Max are equally likely
	Max   int `json:"max"`
	Share int `json:"share"` // messages of this kind, out of the sum of all shares
}

// Traffic is an endless sequence of messages for each of its lanes. What a message must be follows from
// its lane and number alone, so a receiver can verify a stream of any length as it comes.
type Traffic struct {
	Seed    uint64  `json:"seed"`
	Lanes   []int   `json:"lanes"`   // messages go to these in turn; empty: all to lane 0
	Classes []Class `json:"classes"` // at least one
	InTurn  bool    `json:"in_turn"` // kinds follow each other as listed, instead of in random order
}

// At returns message number n of a lane; the first has number 1.
func (t *Traffic) At(lane int, number int64) Outgoing {
	random := rand.New(rand.NewPCG(t.Seed, uint64(lane)<<48|uint64(number)))
	total := 0
	for _, c := range t.Classes {
		total += c.Share
	}
	turn := int((number - 1) % int64(total))
	if !t.InTurn {
		turn = random.IntN(total)
	}
	class := t.Classes[len(t.Classes)-1]
	for _, c := range t.Classes {
		if turn -= c.Share; turn < 0 {
			class = c
			break
		}
	}
	return Outgoing{
		Lane:  lane,
		Flags: class.Flags,
		Size:  class.Min + random.IntN(class.Max-class.Min+1),
		Seed:  random.Uint64(),
	}
}

// next returns the number of the first reliable message of a lane after the given number, 0 if the
// traffic has none.
func (t *Traffic) next(lane int, after int64) int64 {
	for _, c := range t.Classes {
		if c.Flags&Reliable == 0 || c.Share == 0 {
			continue
		}
		for n := after + 1; ; n++ {
			if t.At(lane, n).Flags&Reliable != 0 {
				return n
			}
		}
	}
	return 0
}

func (t *Traffic) valid() error {
	total := 0
	for _, c := range t.Classes {
		if c.Min < 0 || c.Max < c.Min || c.Share < 0 {
			return fmt.Errorf("a class of traffic with sizes %d to %d and share %d", c.Min, c.Max, c.Share)
		}
		total += c.Share
	}
	if total == 0 {
		return errors.New("traffic without messages")
	}
	return nil
}

// stampSize is the size of the time in front of the messages of a Traffic that are long enough for it.
const stampSize = 8

// stamped returns the contents of a message that is sent now. They depend on the time, so that a
// damaged time is found as well as other damage.
func (o *Outgoing) stamped(now time.Time) []byte {
	if o.Size < stampSize {
		return Content(o.Seed, o.Size)
	}
	data := make([]byte, o.Size)
	stamp := uint64(now.UnixMicro())
	binary.LittleEndian.PutUint64(data, stamp)
	_, _ = io.ReadFull(NewContentReader(o.Seed^stamp), data[stampSize:])
	return data
}

// age returns how long ago a message was sent, −1 if it does not say, or an error if its contents are
// not those that it was sent with.
func (o *Outgoing) age(data []byte, now time.Time) (time.Duration, error) {
	if len(data) != o.Size {
		return 0, fmt.Errorf("%d bytes, sent with %d", len(data), o.Size)
	}
	age, seed, body := time.Duration(-1), o.Seed, data
	if o.Size >= stampSize {
		stamp := binary.LittleEndian.Uint64(data)
		age = time.Duration(now.UnixMicro()-int64(stamp)) * time.Microsecond
		seed, body = seed^stamp, data[stampSize:]
	}
	reader := NewContentReader(seed)
	var want [512]byte
	for at := 0; at < len(body); {
		n := min(len(want), len(body)-at)
		_, _ = reader.Read(want[:n])
		if string(want[:n]) != string(body[at:at+n]) {
			return 0, fmt.Errorf("contents differ within bytes %d to %d of %d", len(data)-len(body)+at, len(data)-len(body)+at+n, len(data))
		}
		at += n
	}
	return age, nil
}

// Load says how a Traffic is sent for a while.
type Load struct {
	Traffic
	Active int `json:"active"` // milliseconds
	Queue  int `json:"queue"`  // nothing is sent while this many bytes wait or are not acknowledged
	Every  int `json:"every"`  // milliseconds between bursts; 0: send whenever Queue allows it
	Burst  int `json:"burst"`  // messages of a burst
}

// trafficJob sends a Load until its time is over.
type trafficJob struct {
	load  Load
	sent  map[int]int64 // by lane, over all loads of the connection
	turn  int           // index in Lanes of the next message
	bytes int64
	start time.Time
	next  time.Time // of a burst
}

func (j *trafficJob) pump(e Engine, conn uint32) (*Event, bool) {
	done := &Event{Kind: evTraffic, Sent: j.sent}
	status, err := e.Status(conn, 0)
	if err != nil {
		done.fail(err)
		return done, true
	}
	now := time.Now()
	if j.start.IsZero() {
		j.start, j.next = now, now
	}
	if now.Sub(j.start) >= time.Duration(j.load.Active)*time.Millisecond {
		done.Bytes, done.Status = j.bytes, &status
		return done, true
	}
	most := pumpRound
	if j.load.Every > 0 {
		if now.Before(j.next) {
			return nil, false
		}
		most, j.next = j.load.Burst, now.Add(time.Duration(j.load.Every)*time.Millisecond)
	}
	queued := status.queued()
	for i := range most {
		inBurst := j.load.Every > 0 && i > 0
		if queued >= j.load.Queue && !inBurst {
			return nil, false
		}
		lane := 0
		if len(j.load.Lanes) > 0 {
			lane = j.load.Lanes[j.turn]
		}
		want := j.sent[lane] + 1
		m := j.load.At(lane, want)
		number, err := e.Send(conn, lane, m.stamped(now), m.Flags)
		if errors.Is(err, LimitExceeded) {
			return nil, false
		}
		if err == nil && number != want {
			err = fmt.Errorf("lane %d: message %d got number %d", lane, want, number)
		}
		if err != nil {
			done.fail(err)
			return done, true
		}
		j.sent[lane] = want
		j.bytes += int64(m.Size)
		queued += m.Size
		if len(j.load.Lanes) > 0 {
			j.turn = (j.turn + 1) % len(j.load.Lanes)
		}
	}
	return nil, false
}

// drainJob waits until nothing is queued or unacknowledged any more.
type drainJob struct{}

func (drainJob) pump(e Engine, conn uint32) (*Event, bool) {
	done := &Event{Kind: evDrained}
	status, err := e.Status(conn, 0)
	if err != nil {
		done.fail(err)
		return done, true
	}
	if status.queued() > 0 {
		return nil, false
	}
	done.Status = &status
	return done, true
}
