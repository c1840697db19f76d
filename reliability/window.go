package reliability

const (
	// MaxJump is the largest forward jump of packet numbers that a receiver puts up with. A packet
	// further ahead, once it has proved authentic, closes the connection with reason 5001
	// (k_ESteamNetConnectionEnd_Misc_Generic).
	MaxJump = 0x4000

	// lurchGap is the jump at which statistics stop counting the packets in between as dropped and
	// at which everything older than the new packet is taken as seen.
	lurchGap = 100

	wordBits = 64
)

// Verdict is what Window.Check says about a packet number.
type Verdict uint8

const (
	// New: not seen before. Decrypt, decode, then call Accept.
	New Verdict = iota
	// Duplicate: seen already, or covered by a lurch. Drop the packet.
	Duplicate
	// TooOld: below the window, so nobody knows whether it was seen. Drop the packet.
	TooOld
	// Jump: more than MaxJump ahead. Decrypt the packet as if it were New; if it is authentic, the
	// connection must be closed, if not, drop it.
	Jump
)

// String returns the verdict's name.
func (v Verdict) String() string {
	switch v {
	case New:
		return "new"
	case Duplicate:
		return "duplicate"
	case TooOld:
		return "too old"
	case Jump:
		return "jump"
	}
	return "unknown verdict"
}

// Arrival describes how an accepted packet fitted into the sequence, in the terms of the
// connection's statistics.
type Arrival struct {
	Gap        int64 // n minus the highest number before; 1 for a packet in order
	Dropped    int   // change of the dropped counter: Gap-1, or -1 for a packet that was counted as dropped (never take the counter below 0)
	OutOfOrder bool  // the packet is older than the highest one
	Lurch      bool  // the jump was too large to call the packets in between dropped
}

// Window restores full packet numbers and filters duplicates and replays. It covers the 64-aligned
// block of the highest accepted number and the block below, hence 64 to 127 numbers of lateness.
//
// Use: Expand and Check before decryption, Accept only after the packet was decrypted and decoded
// without error; until then a forged packet must not be able to change anything.
type Window struct {
	highest PacketNumber
	// One bit per number: words[1] is the block of highest, words[0] the block below it.
	words [2]uint64
}

// NewWindow returns a window whose highest accepted number is highest; it and everything below
// count as seen. highest is 1 for peers of protocol version 10 and later, else 0.
func NewWindow(highest PacketNumber) Window {
	w := Window{highest: highest}
	w.markAllUpTo(highest)
	return w
}

// Highest returns the highest accepted number.
func (w *Window) Highest() PacketNumber { return w.highest }

// Expand restores the full number of a packet from its low 16 bits. The result can be negative if
// the peer, or an attacker, says so; Check knows what to do with it.
func (w *Window) Expand(wire uint16) PacketNumber {
	return PacketNumber(Nearest(uint64(wire), 16, int64(w.highest)))
}

// Check judges a number without changing anything.
func (w *Window) Check(n PacketNumber) Verdict {
	if n > w.highest {
		if n-w.highest > MaxJump {
			return Jump
		}
		return New
	}
	block := w.highest &^ (wordBits - 1)
	word := w.words[1]
	if n < block {
		if n < block-wordBits {
			return TooOld
		}
		word = w.words[0]
	}
	if word&(1<<(uint64(n)%wordBits)) != 0 {
		return Duplicate
	}
	return New
}

// Accept records that packet n, for which Check said New, arrived and was decoded.
func (w *Window) Accept(n PacketNumber) Arrival {
	gap := int64(n - w.highest)
	if gap <= 0 {
		word := 1
		if n < w.highest&^(wordBits-1) {
			word = 0
		}
		w.words[word] |= 1 << (uint64(n) % wordBits)
		return Arrival{Gap: gap, Dropped: -1, OutOfOrder: true}
	}
	if gap >= lurchGap {
		w.highest = n
		w.markAllUpTo(n)
		return Arrival{Gap: gap, Lurch: true}
	}
	switch n/wordBits - w.highest/wordBits {
	case 0:
	case 1:
		w.words = [2]uint64{w.words[1], 0}
	default:
		w.words = [2]uint64{}
	}
	w.highest = n
	w.words[1] |= 1 << (uint64(n) % wordBits)
	return Arrival{Gap: gap, Dropped: int(gap - 1)}
}

// markAllUpTo marks n and every lower number as seen.
func (w *Window) markAllUpTo(n PacketNumber) {
	w.words[0] = ^uint64(0)
	w.words[1] = ^uint64(0) >> (wordBits - 1 - uint64(n)%wordBits)
}
