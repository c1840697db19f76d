package conn

import (
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"google.golang.org/protobuf/proto"
)

// LocalCandidate tells the peer a candidate of this side. public says that it is what AwaitPublic is about, host that it is
// what AwaitHost is about.
func (c *Conn) LocalCandidate(now mono.Time, candidate string, host, public bool) {
	if !c.mayQueueICE() {
		return
	}
	c.p2p.AwaitHost = c.p2p.AwaitHost && !host
	c.p2p.AwaitPublic = c.p2p.AwaitPublic && !public
	c.queueICE(&pb.CMsgICERendezvous{AddCandidate: &pb.CMsgICECandidate{Candidate: proto.String(candidate)}})
	c.p2p.schedule.want(now)
}

// Gathered tells that there will be no more candidates of this side for the time being.
func (c *Conn) Gathered() {
	if c.p2p != nil {
		c.p2p.AwaitHost, c.p2p.AwaitPublic = false, false
	}
}

// LocalPassword tells the peer that this side's agent has started all over.
func (c *Conn) LocalPassword(now mono.Time, password string) {
	if !c.mayQueueICE() {
		return
	}
	c.p2p.Password = password
	c.queueICE(&pb.CMsgICERendezvous{Auth: &pb.CMsgICERendezvous_Auth{PwdFrag: proto.String(password)}})
	c.p2p.schedule.want(now)
}

func (c *Conn) mayQueueICE() bool { return c.p2p != nil && c.state.Active() }

func (c *Conn) queueICE(m *pb.CMsgICERendezvous) {
	_ = c.p2p.out.Queue(m) // without room it is one of very many candidates
}

// NextICE returns the next thing that the peer has to say to this side's ICE agent. There is none before the
// connection is accepted by both sides.
func (c *Conn) NextICE() (ICEStep, bool) {
	if c.p2p == nil || len(c.p2p.steps) == 0 || c.state != StateFindingRoute && !c.state.connectedOnWire() {
		return ICEStep{}, false
	}
	step := c.p2p.steps[0]
	c.p2p.steps = c.p2p.steps[1:]
	if len(c.p2p.steps) == 0 {
		c.p2p.steps = nil
	}
	return step, true
}

// receiveReliable takes the messages of a signal that are new.
func (c *Conn) receiveReliable(s *rendezvous.Signal) {
	p := c.p2p
	for _, m := range p.in.Receive(s) {
		if pwd := m.GetIce().GetAuth().GetPwdFrag(); pwd != "" && len(pwd) <= maxICEText {
			p.password = pwd // the last one counts: a peer that changed its role tells the old one first
		}
		if candidate := m.GetIce().GetAddCandidate().GetCandidate(); candidate != "" {
			if len(p.steps) < maxICESteps && len(candidate) <= maxICEText {
				p.steps = append(p.steps, ICEStep{Candidate: candidate})
			} else {
				c.drop().Refused++
			}
		}
	}
}

// startICE lets the agent start, or follow a peer that has started all over, if both sides have accepted the connection, and so
// have their roles, and the password is one that the agent does not know.
func (c *Conn) startICE() {
	p := c.p2p
	if p.password == p.started || c.state != StateFindingRoute && !c.state.connectedOnWire() {
		return
	}
	p.started = p.password
	step := ICEStep{Controlling: c.isServer, Ufrag: rendezvous.Ufrag(c.remoteID), Password: p.password}
	p.steps = append([]ICEStep{step}, p.steps...) // what was said before it belongs to it
}
