package peer

import "fmt"

// Flags of messages, with the numbers that every implementation of the protocol uses.
const (
	Unreliable  = 0
	NoNagle     = 1
	NoDelay     = 4
	AutoRestart = 32 // of messages to users: begin anew with one who could not be reached
	Reliable    = 8
)

// Batch describes many messages by a pattern: message i takes the i-th of each list, counted around.
// Lists whose lengths have no common factor give every combination.
type Batch struct {
	Count int    `json:"count"`
	Seed  uint64 `json:"seed"`  // message i has Content(Seed+i, size)
	Sizes []int  `json:"sizes"` // bytes
	Flags []int  `json:"flags"` // empty: all reliable
	Lanes []int  `json:"lanes"` // empty: all on lane 0
}

// Outgoing is one message of a batch.
type Outgoing struct {
	Lane  int
	Flags int
	Size  int
	Seed  uint64
}

// At returns message i.
func (b *Batch) At(i int) Outgoing {
	out := Outgoing{Flags: Reliable, Size: b.Sizes[i%len(b.Sizes)], Seed: b.Seed + uint64(i)}
	if len(b.Flags) > 0 {
		out.Flags = b.Flags[i%len(b.Flags)]
	}
	if len(b.Lanes) > 0 {
		out.Lane = b.Lanes[i%len(b.Lanes)]
	}
	return out
}

// Reliable returns how many messages of the batch are reliable.
func (b *Batch) Reliable() int {
	n := 0
	for i := range b.Count {
		if b.At(i).Flags&Reliable != 0 {
			n++
		}
	}
	return n
}

// Verify compares received messages, in the order in which they arrived, with the batch that was
// sent; numbers are the message numbers that the sender was told. Every message must be one of the
// batch, with its contents, lane and reliability, and arrive at most once; the reliable ones of each
// lane must arrive complete and in order. It returns how many unreliable messages arrived.
func (b *Batch) Verify(numbers []int64, got []Message) (unreliable int, err error) {
	type key struct {
		lane   int
		number int64
	}
	index := make(map[key]int, b.Count)
	for i, number := range numbers {
		index[key{b.At(i).Lane, number}] = i
	}
	if len(index) != b.Count {
		return 0, fmt.Errorf("%d messages were sent, but with %d distinct pairs of lane and number", b.Count, len(index))
	}
	next := map[int]int{} // by lane: index of the earliest message that may come next
	for position, m := range got {
		i, ok := index[key{m.Lane, m.Number}]
		if !ok {
			return 0, fmt.Errorf("arrival %d (lane %d, number %d, %d bytes): not of this batch, or arrived before", position, m.Lane, m.Number, m.Size)
		}
		delete(index, key{m.Lane, m.Number})
		want := b.At(i)
		if m.Size != want.Size {
			return 0, fmt.Errorf("arrival %d is message %d: %d bytes, want %d", position, i, m.Size, want.Size)
		}
		if m.Flags&Reliable != want.Flags&Reliable {
			return 0, fmt.Errorf("arrival %d is message %d: flags %d, sent with %d", position, i, m.Flags, want.Flags)
		}
		if sum := Sum(Content(want.Seed, want.Size)); m.Sum != sum {
			return 0, fmt.Errorf("arrival %d is message %d of %d bytes: contents have digest %s, want %s", position, i, m.Size, m.Sum, sum)
		}
		if want.Flags&Reliable == 0 {
			unreliable++
			continue
		}
		if i < next[want.Lane] {
			return 0, fmt.Errorf("arrival %d is reliable message %d on lane %d, after a later one", position, i, want.Lane)
		}
		next[want.Lane] = i + 1
	}
	for k, i := range index {
		if b.At(i).Flags&Reliable != 0 {
			return 0, fmt.Errorf("reliable message %d (lane %d, number %d, %d bytes) did not arrive", i, k.lane, k.number, b.At(i).Size)
		}
	}
	return unreliable, nil
}
