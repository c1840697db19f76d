package snp

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// byteSource hands out the bytes of a fuzz input.
type byteSource []byte

func (b *byteSource) more() bool { return len(*b) > 0 }

func (b *byteSource) byte() int {
	if len(*b) == 0 {
		return 0
	}
	v := (*b)[0]
	*b = (*b)[1:]
	return int(v)
}

func (b *byteSource) bytes(n int) []byte {
	n = min(n, len(*b))
	v := (*b)[:n]
	*b = (*b)[n:]
	return v
}

// FuzzSessionReceive feeds arbitrary packets, and lets the session answer. It must never panic, keep
// its memory bounded, send only packets that decode, and never ack a packet that it refused.
func FuzzSessionReceive(f *testing.F) {
	for _, row := range loadVectors(f).Sequences.Cases {
		var in []byte
		for _, p := range row.Packets {
			if len(p.Hex) < 256 {
				in = append(in, 0, 0, byte(len(p.Hex)))
				in = append(in, p.Hex...)
			}
		}
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		in := byteSource(input)
		host := newTestHost()
		host.maxMessages = 20
		const bufferSize = 8192
		s := NewSession(host, &reliability.RTT{}, Config{RecvBufferSize: bufferSize, RecvMaxMessageSize: 4096})
		require.NoError(t, s.ConfigureLanes([]int{0, 1, 0}, nil))
		now := testStart
		s.Connected(now)
		window := reliability.NewWindow(1)
		accepted := map[reliability.PacketNumber]bool{0: true, 1: true}
		stop := reliability.PacketNumber(0)
		var decoder Decoder
		for in.more() {
			op := in.byte()
			n := window.Highest() + 1
			if op&1 != 0 { // loss or lateness
				n += reliability.PacketNumber(int8(in.byte()))
			}
			if op&2 != 0 {
				_, err := s.Send(now, in.byte()%3, input[:min(len(input), 40*in.byte())], SendFlags(op))
				require.True(t, err == nil || errors.Is(err, ErrBufferFull) || errors.Is(err, ErrTooLate))
			}
			if op&4 != 0 {
				for _, m := range host.take() {
					m.Release()
				}
				if err := s.Resume(now); err != nil {
					var format *FormatError
					require.ErrorAs(t, err, &format)
					break
				}
			}
			if op&8 != 0 {
				now = now.Add(time.Duration(in.byte()) * time.Millisecond)
				s.Advance(now)
			}
			in.byte()
			packet := in.bytes(in.byte())
			if window.Check(n) == reliability.New {
				mode := RecvMode(op >> 7)
				fresh := s.recv.Fresh()
				err := s.Receive(now, n, packet, mode)
				if err != nil {
					var format *FormatError
					require.True(t, errors.As(err, &format) || errors.Is(err, ErrDropPacket))
					if !errors.Is(err, ErrDropPacket) {
						break
					}
				} else {
					window.Accept(n)
					if s.recv.Fresh() > fresh {
						accepted[n] = true
					}
				}
			}
			stop = s.recv.StopWaiting() // even a dropped packet may have raised it before its bad ack
			require.LessOrEqual(t, s.memory, memoryFactor*bufferSize+4096+2*storeBlock)
			total := 0
			for _, l := range s.in {
				if l != nil {
					total += l.memory()
				}
			}
			require.Equal(t, total, s.memory)
			for i := 0; s.Due(now); i++ {
				require.Less(t, i, 1000)
				b, info := s.AppendPacket(now, nil, 300)
				s.Charge(len(b))
				frames, err := decoder.Decode(b, info.Number, window.Highest()+1)
				require.NoError(t, err)
				for _, f := range frames {
					ack, ok := f.Frame.(Ack)
					if !ok {
						continue
					}
					p := ack.Latest
					for _, b := range ack.Blocks {
						for range b.Acked {
							require.True(t, accepted[p], "packet %d was refused or never came", p)
							p--
						}
						p -= reliability.PacketNumber(b.Nacked)
					}
					for ; p >= stop; p-- {
						require.True(t, accepted[p], "packet %d, implicitly acked, was refused or never came", p)
					}
				}
			}
			require.True(t, s.Deadline() > now-1 || s.Deadline() == 1 || !s.bucket.Ready(now) || !s.mayFlow(), "something is due but not sent")
		}
		s.Close()
	})
}

// FuzzReassembly feeds a valid stream in arbitrary pieces, in any order and overlapping, to a receiver
// that may refuse them, and compares what is delivered with the naive model: the messages below the
// first byte that was never accepted.
func FuzzReassembly(f *testing.F) {
	f.Add(uint64(1), []byte{0, 0, 50, 0, 50, 200, 3, 100, 200, 0, 20, 255})
	f.Add(uint64(2), []byte{10, 0, 50, 5, 50, 200, 0, 0, 200, 0, 20, 255, 0, 0, 255})
	f.Fuzz(func(t *testing.T, seed uint64, input []byte) {
		r := newRand(seed)
		var (
			data []byte
			ends []int
			want [][]byte
		)
		for len(data) < 30_000 {
			body := pattern(int(seed%100), len(want), r.IntN(1<<r.IntN(13)))
			data = append(data, message(body)...)
			ends = append(ends, len(data))
			want = append(want, body)
		}
		x := newScripted(t, Config{RecvBufferSize: 20_000})
		x.host.maxMessages = 1 << 20
		have := make([]bool, len(data))
		in := byteSource(input)
		delivered := 0
		for in.more() {
			op := in.byte()
			begin := in.byte()*16 + op%16
			if op >= 128 {
				begin += len(data) / 2
			}
			begin = min(begin, len(data)-1)
			end := min(begin+in.byte()*5, len(data))
			if op%32 == 31 { // the application stops reading
				x.host.maxMessages = 0
			}
			if op%32 == 30 {
				x.host.maxMessages = 1 << 20
				require.NoError(t, x.s.Resume(x.now))
			}
			x.write(ReliableSegment{Position: int64(begin + 1), Data: data[begin:end]})
			if x.lastAcked() {
				for i := begin; i < end; i++ {
					have[i] = true
				}
			}
			require.LessOrEqual(t, x.s.memory, memoryFactor*20_000+8192)
		}
		x.host.maxMessages = 1 << 20
		require.NoError(t, x.s.Resume(x.now))
		prefix := 0
		for prefix < len(have) && have[prefix] {
			prefix++
		}
		// Bytes of refused packets may have been taken too; they are never wrong.
		for delivered < len(ends) && ends[delivered] <= prefix {
			delivered++
		}
		require.GreaterOrEqual(t, len(x.host.queue), delivered)
		for i, m := range x.host.queue {
			require.True(t, bytes.Equal(want[i], m.Data), "message %d", i)
			require.EqualValues(t, i+1, m.Number)
		}
	})
}

// FuzzPair turns bytes into sends, losses, duplicates, delays and pauses between two sessions, then
// repairs the path: everything reliable must have arrived once, in order and intact.
func FuzzPair(f *testing.F) {
	f.Add([]byte{0, 0, 100, 1, 0, 255, 40, 3, 20})
	f.Add([]byte{8, 1, 255, 8, 2, 255, 2, 9, 7, 0, 0, 3, 255, 255, 1})
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 2000 {
			return
		}
		in := byteSource(input)
		rate := Config{SendRateMin: 1 << 22, SendRateMax: 1 << 22, SendBufferSize: 1 << 20, NagleTime: 5 * time.Millisecond}
		p := newPair(t, 1, 10*time.Millisecond, rate, rate)
		sent := map[*peer]map[int][][]byte{p.a: {}, p.b: {}}
		for _, e := range []*peer{p.a, p.b} {
			require.NoError(t, e.s.ConfigureLanes([]int{0, 1, 0, 2}, []uint16{1, 2, 3, 4}))
		}
		for count := 0; in.more(); count++ {
			op := in.byte()
			e := p.a
			if op&1 != 0 {
				e = p.b
			}
			switch op >> 1 % 8 {
			case 0, 1, 2, 3:
				lane := op >> 4 % 4
				data := pattern(lane, count, in.byte()*in.byte()%70_000)
				flags := SendReliable
				if op>>6&1 != 0 {
					flags = SendFlags(op >> 7)
				}
				if len(data) > e.s.maxUnreliable() {
					flags |= SendReliable
				}
				if _, err := e.s.Send(p.now, lane, data, flags); err != nil {
					require.ErrorIs(t, err, ErrBufferFull)
				} else if flags&SendReliable != 0 {
					to := p.other(e)
					sent[to][lane] = append(sent[to][lane], data)
				}
			case 4:
				e.out.loss = float64(in.byte()%3) / 2
			case 5:
				e.out.dup = float64(in.byte()%3) / 4
				e.out.jitter = time.Duration(in.byte()) * time.Millisecond / 50
			case 6:
				e.out.delay = time.Duration(in.byte()) * time.Millisecond
			case 7:
				e.room = 100 + in.byte()*4
			}
			p.run(time.Duration(op>>5)*4*time.Millisecond, nil)
		}
		for _, e := range []*peer{p.a, p.b} {
			e.out = link{delay: 10 * time.Millisecond}
		}
		idle := func() bool {
			for _, e := range []*peer{p.a, p.b} {
				if u, r, unacked := e.s.Pending(); u+r+unacked > 0 {
					return false
				}
			}
			return true
		}
		p.run(5*time.Minute, idle)
		require.True(t, idle(), "everything drains once the path works")
		p.requireHealthy()
		for e, lanes := range sent {
			next := map[int]int{}
			for _, m := range e.host.queue {
				if m.Reliable {
					require.Less(t, next[m.Lane], len(lanes[m.Lane]))
					require.True(t, bytes.Equal(lanes[m.Lane][next[m.Lane]], m.Data))
					next[m.Lane]++
				}
			}
			for lane, messages := range lanes {
				require.Equal(t, len(messages), next[lane])
			}
			e.s.requireEmpty(t)
		}
		// Packets that were lost after others had brought their data may still be waited for, but not for
		// long.
		p.run(10*time.Second, nil)
		require.Equal(t, mono.Never, p.a.s.recoveryDeadline())
		require.Equal(t, mono.Never, p.b.s.recoveryDeadline())
	})
}
