package gns

import (
	"net/netip"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/linkstats"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

// core is a connection as a state machine, which a connection drives: a *conn.Conn, which exchanges
// packets with a peer, or a *conn.PipeEnd, whose peer is in the process.
type core interface {
	ID() uint32
	Remote() netip.AddrPort
	State() conn.State
	Identity() crypto.Identity
	IsServer() bool
	End() (conn.EndReason, string)
	Cipher() crypto.Cipher
	Authenticated() bool
	PeerAuth() crypto.PeerAuth
	PingMilliseconds() int32
	Status(now mono.Time) conn.Status
	Details(now mono.Time) conn.Details
	Traffic() (linkstats.Counters, conn.Drops)
	Pending() (unreliable, reliable, unacked int)
	Lost() *conn.Loss
	Settled() bool

	Configure(now mono.Time, s conn.Settings)
	ConfigureLanes(now mono.Time, priorities []int, weights []uint16) error
	Accept(now mono.Time) error
	Send(now mono.Time, lane int, data []byte, flags snp.SendFlags) (number int64, err error)
	Flush(now mono.Time) error
	Consumed(now mono.Time, count, bytes int) bool
	Close(now mono.Time, reason conn.EndReason, debug string, linger bool) error
	Abort(now mono.Time, reason conn.EndReason, debug string)

	Receive(now mono.Time, datagram []byte)
	Advance(now mono.Time)
	Deadline() mono.Time
	AppendPacket(now mono.Time, dst []byte) (packet []byte, ok bool)
	NextEvent() (conn.Event, bool)
	TakeMessages() []conn.Message
}
