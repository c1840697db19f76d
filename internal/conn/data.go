package conn

import (
	"errors"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/reliability"
	"github.com/gogns/gns/snp"
	"google.golang.org/protobuf/proto"
)

// minSNPRoom is the plaintext that must be left beside inline statistics: stop waiting, acks and a
// little data.
const minSNPRoom = 64

// appendDue appends a data packet if one is due at now.
func (c *Conn) appendDue(now mono.Time, dst []byte) ([]byte, bool) {
	probe := c.probeFlags(now)
	if c.state == StateFindingRoute {
		if probe == 0 {
			return dst, false
		}
		dst = c.appendData(now, dst, probe, false, false)
		c.probed(now)
		return dst, true
	}
	flags, forced := c.requestFlags(now)
	instant, lifetime, statsForced := c.statsReady(now)
	if probe == 0 && !forced && !statsForced && !c.snp.Due(now) {
		return dst, false
	}
	dst = c.appendData(now, dst, flags|probe, instant, lifetime)
	if probe != 0 {
		c.probed(now)
	}
	return dst, true
}

// appendData builds, seals and accounts one data packet.
func (c *Conn) appendData(now mono.Time, dst []byte, flags uint32, instant, lifetime bool) []byte {
	start := len(dst)
	_ = c.unrest()
	tag := c.seal.Overhead()
	h := udpwire.DataHeader{To: c.remoteID, WireNumber: uint16(c.snp.NextNumber())}

	if flags != 0 || instant || lifetime {
		blob := c.appendBlob(now, beyond(dst), flags, instant, lifetime)
		if limit := c.set.MTU - udpwire.DataHeaderLen - 2 - udpwire.TimeSincePrevLen - tag - minSNPRoom; len(blob) > limit {
			lifetime = false // the longer of the two waits for a packet with more room
			blob = c.appendBlob(now, blob[:0], flags, instant, lifetime)
			c.stats.lifetimeAt = now
		}
		if len(blob) > 0 {
			h.Stats = blob
		}
	}
	if gap, ok := c.stats.tracker.SincePrevious(now); ok && c.set.SendTimeSincePrevious == 1 && c.peerVer >= versionTimeField {
		h.SincePrevious, h.HasSince = gap, true
	}
	dst = udpwire.AppendDataHeader(dst, &h)

	body := len(dst)
	room := min(c.maxPlaintext(), c.set.MTU-(body-start)-tag)
	dst, info := c.snp.AppendPacket(now, dst, room)
	dst = c.seal.Seal(dst[:body], dst[body:], int64(info.Number))
	c.snp.Charge(len(dst) - start)
	c.rest()

	if instant || lifetime {
		flags |= flagAckRequest
		c.stats.outstanding, c.stats.sentInstant, c.stats.sentLifetime = info.Number, instant, lifetime
		c.snp.Watch(info.Number)
	}
	c.requestSent(now, flags)
	c.ask = info.Ask
	if info.Reliable {
		c.armReply(now, true)
	}
	return dst
}

// beyond returns room behind the header of the packet that dst is going to be, for what the header contains.
func beyond(dst []byte) []byte {
	free := dst[len(dst):cap(dst)]
	at := min(len(free), udpwire.MaxDatagram/2)
	return free[at:at]
}

// receiveData handles a data packet: everything from an unauthenticated datagram to delivered messages.
// It decrypts in place, so datagram is garbage afterwards.
func (c *Conn) receiveData(now mono.Time, datagram []byte) {
	var h udpwire.DataHeader
	chunk, ok := udpwire.ParseDataHeader(datagram, &h)
	if !ok {
		c.drop().Malformed++
		return
	}
	if h.To != c.cfg.LocalID {
		c.drop().WrongID++
		if c.drop().replies.allow(now) {
			c.out.noConnectionReply(proto.Uint32(h.To), nil)
		} else {
			c.drop().LimitedReply++
		}
		return
	}
	switch {
	case c.state.connectedOnWire(), c.state == StateFindingRoute:
	case c.state == StateConnecting:
		c.drop().Unexpected++
		return
	default:
		c.closeReply()
		return
	}

	n := c.window.Expand(h.WireNumber)
	c.stats.tracker.Sequenced()
	verdict := c.window.Check(n)
	switch verdict {
	case reliability.Duplicate:
		c.drop().Duplicate++
	case reliability.TooOld:
		c.drop().TooOld++
	}
	if verdict == reliability.Duplicate || verdict == reliability.TooOld {
		c.stats.tracker.Verdict(verdict)
		return
	}
	_ = c.unrest()
	plain, err := c.open.Open(chunk[:0], chunk, int64(n))
	c.rest()
	if err != nil || len(plain) > udpwire.MaxDatagram {
		c.drop().Undecryptable++
		return
	}
	c.proven = c.cipher != crypto.CipherNull
	c.establishedAtPeer()
	var blob *pb.CMsgSteamSockets_UDP_Stats
	if h.Stats != nil {
		blob = new(pb.CMsgSteamSockets_UDP_Stats)
		if proto.Unmarshal(h.Stats, blob) != nil {
			c.drop().Malformed++
			return
		}
	}
	if verdict == reliability.Jump {
		c.problemf(now, EndMiscGeneric, "packet number lurched from %d to %d", c.window.Highest(), n)
		return
	}
	c.alive.heard(now)
	if !c.receiveSNP(now, n, plain) {
		return
	}
	if c.state == StateFindingRoute {
		c.heardPeer(now)
	}
	a := c.window.Accept(n)
	c.stats.tracker.Arrived(a)
	if a.Gap == 1 {
		c.stats.tracker.InOrder(now, h.HasSince, h.SincePrevious)
	} else {
		c.stats.tracker.GapInSequence()
	}
	if blob != nil && c.state.connectedOnWire() {
		c.receiveBlob(now, blob)
	}
}

// receiveSNP hands a decrypted payload to the SNP layer. It reports whether the packet counts as
// received.
func (c *Conn) receiveSNP(now mono.Time, n reliability.PacketNumber, plain []byte) bool {
	mode := snp.RecvNormal
	if c.state == StateLinger {
		mode = snp.RecvLinger
	}
	sampled := c.rtt.LastSample()
	c.messages.now = now
	err := c.snp.Receive(now, n, plain, mode)
	if c.rtt.LastSample() != sampled {
		c.pingMeasured(now)
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, snp.ErrDropPacket):
		c.drop().BadAck++
	default:
		c.problem(now, EndMiscInternalError, err.Error())
	}
	return false
}
