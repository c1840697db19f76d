package conn

// Drops counts datagrams that were not acted upon, by reason. Counting is all that happens to them:
// none changes the connection.
type Drops struct {
	Short         uint64 // shorter than any message
	UnknownKind   uint64 // unassigned lead byte
	Malformed     uint64 // framing, header or protobuf does not parse
	Unexpected    uint64 // a message that means nothing in this role or state
	WrongID       uint64 // carries other connection IDs than ours
	BadChallenge  uint64 // challenge is stale or not ours (listener)
	Refused       uint64 // handshake not acceptable (listener: every silent refusal)
	Duplicate     uint64 // packet number was received before
	TooOld        uint64 // packet number is behind the replay window
	Undecryptable uint64 // wrong key, altered in transit, or forged
	BadAck        uint64 // acknowledges packets that were never sent
	LimitedReply  uint64 // a reply was due but the reply limiter strays
}

// strays is what a connection knows about datagrams that were not acted upon.
type strays struct {
	Drops
	replies replyLimiter
}

// drop returns where to count a datagram that was not acted upon. Most connections have none.
func (c *Conn) drop() *strays {
	if c.strays == nil {
		c.strays = new(strays)
	}
	return c.strays
}

// dropped returns what was counted.
func (c *Conn) dropped() Drops {
	if c.strays == nil {
		return Drops{}
	}
	return c.strays.Drops
}

// Total returns the sum over all reasons except LimitedReply, which is not about a datagram itself.
func (d *Drops) Total() uint64 {
	return d.Short + d.UnknownKind + d.Malformed + d.Unexpected + d.WrongID + d.BadChallenge +
		d.Refused + d.Duplicate + d.TooOld + d.Undecryptable + d.BadAck
}
