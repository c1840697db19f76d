package snp

// plan is the contents of a packet before it is encoded. Its slices are reused.
type plan struct {
	groups     []planGroup
	reliable   []interval
	unreliable []planUnreliable

	noFragment int // an unreliable message up to this size is not cut to fill a packet
}

// planGroup is the segments of one lane: reliable ones in ascending order, then unreliable ones. In
// that order the numbers of unreliable segments are not disturbed by the reliable ones, each of which
// would count.
type planGroup struct {
	lane                        int
	reliableAt, reliableEnd     int // indices into plan.reliable
	unreliableAt, unreliableEnd int // indices into plan.unreliable
	groupState                      // while planning: end of the last segment, last number
}

type planUnreliable struct {
	number int64
	offset uint32
	from   int64 // position in the lane's loose queue
	size   int
	end    bool
}

func (p *plan) reset() {
	p.groups, p.reliable, p.unreliable = p.groups[:0], p.reliable[:0], p.unreliable[:0]
}

func (g *planGroup) empty(p *plan) bool {
	return len(p.reliable) == g.reliableAt && len(p.unreliable) == g.unreliableAt
}

func (g *planGroup) hasReliable() bool { return g.reliableEnd > g.reliableAt }

// arrange puts the groups in the order in which they are sent. Lane 0 needs no select lane frame in
// the first place. The last place belongs to a group with reliable data if there is any: Valve's
// receiver looks only there to decide whether to schedule an ack.
func (p *plan) arrange() {
	last := len(p.groups) - 1
	for i := range p.groups {
		if p.groups[i].lane == 0 {
			p.groups[0], p.groups[i] = p.groups[i], p.groups[0]
			break
		}
	}
	if last <= 0 || p.groups[last].hasReliable() {
		return
	}
	// Prefer any other lane to lane 0 for the last place.
	for i := last - 1; i >= 0; i-- {
		if p.groups[i].hasReliable() {
			p.groups[last], p.groups[i] = p.groups[i], p.groups[last]
			return
		}
	}
}

// appendPlan encodes the plan.
func (s *Session) appendPlan(dst []byte) []byte {
	p := &s.plan
	for gi := range p.groups {
		g := &p.groups[gi]
		l := s.lanes[g.lane]
		lastGroup := gi == len(p.groups)-1
		if gi > 0 || g.lane != 0 {
			dst = appendSelectLane(dst, g.lane)
		}
		var state groupState
		for i := g.reliableAt; i < g.reliableEnd; i++ {
			v := p.reliable[i]
			rest := lastGroup && i == g.reliableEnd-1 && g.unreliableAt == g.unreliableEnd
			dst = appendReliableHeader(dst, &state, v.begin, int(v.end-v.begin), rest)
			dst = l.stream.appendTo(dst, v.begin, v.end)
		}
		for i := g.unreliableAt; i < g.unreliableEnd; i++ {
			u := p.unreliable[i]
			rest := lastGroup && i == g.unreliableEnd-1
			dst = appendUnreliableHeader(dst, &state, u.number, u.offset, u.end, u.size, rest)
			dst = l.loose.appendTo(dst, u.from, u.from+int64(u.size))
			l.loose.release(u.from + int64(u.size))
		}
	}
	return dst
}
