package snp

import "slices"

// plan is the contents of a packet before it is encoded. Its slices are reused.
type plan struct {
	groups   []planGroup
	segments []planSegment

	noFragment int // an unreliable message up to this size is not cut to fill a packet
}

// planGroup is the segments of one lane: first what is sent again, then new data in the order in which
// the application sent it, reliable or not. Nothing promises that order between the two kinds, but
// where no packet is lost programs get it from Valve's library and may have come to like it.
type planGroup struct {
	lane        int
	begin, end  int // indices into plan.segments
	hasReliable bool
	state       groupState // while planning: what the encoder's will be
}

// planSegment is one segment.
type planSegment struct {
	reliable   bool
	begin, end int64 // position of the data in the lane's stream or queue of unreliable data

	// For unreliable segments.
	number int64
	offset uint32
	last   bool // ends the message
}

func (p *plan) reset() {
	p.groups, p.segments = p.groups[:0], p.segments[:0]
}

// open begins the group of a lane. It counts only when it is closed.
func (p *plan) open(lane int) planGroup {
	return planGroup{lane: lane, begin: len(p.segments)}
}

// close ends a group; one without segments is dropped.
func (p *plan) close(g *planGroup) {
	if g.end = len(p.segments); g.end > g.begin {
		p.groups = append(p.groups, *g)
	}
}

func (p *plan) empty(g *planGroup) bool { return len(p.segments) == g.begin }

// addReliable plans a segment of the stream.
func (p *plan) addReliable(g *planGroup, begin, end int64) {
	p.segments = append(p.segments, planSegment{reliable: true, begin: begin, end: end})
	g.hasReliable = true
	g.state.end = end
	if g.state.number != 0 {
		g.state.number++
	}
}

// repeat adds stream data of a lane that was sent before, if it fits into room bytes. It returns what it
// costs, zero if it does not fit. Within a group positions must ascend, so it goes before everything else of
// the stream; but not between two unreliable segments, whose numbers count reliable segments as well.
func (p *plan) repeat(lane int, begin, end int64, room, selectSize int) (cost int) {
	gi := slices.IndexFunc(p.groups, func(g planGroup) bool { return g.lane == lane })
	at := len(p.segments)
	if gi >= 0 {
		g := &p.groups[gi]
		for at = g.begin; at < g.end && !p.segments[at].reliable; {
			at++
		}
		if at < g.end {
			first := &p.segments[at]
			if cost = int(end - begin); first.begin == end && first.end-begin <= maxExplicitSize && cost <= room {
				first.begin = begin
				return cost
			}
			unreliable := func(v planSegment) bool { return !v.reliable }
			if first.begin <= end || at > g.begin && slices.ContainsFunc(p.segments[at:g.end], unreliable) {
				return 0
			}
		}
		selectSize = 0
	}
	cost = selectSize + reliableHeaderSize(0, begin) + int(end-begin)
	if cost > room || end-begin > maxExplicitSize {
		return 0
	}
	if gi < 0 {
		gi = len(p.groups)
		p.groups = append(p.groups, planGroup{lane: lane, begin: at, end: at})
	}
	p.segments = slices.Insert(p.segments, at, planSegment{reliable: true, begin: begin, end: end})
	p.groups[gi].hasReliable = true
	p.groups[gi].end++
	for i := gi + 1; i < len(p.groups); i++ {
		p.groups[i].begin++
		p.groups[i].end++
	}
	return cost
}

// mergeable returns the last segment of the group if it is reliable and ends at position.
func (p *plan) mergeable(g *planGroup, position int64) *planSegment {
	if p.empty(g) {
		return nil
	}
	if s := &p.segments[len(p.segments)-1]; s.reliable && s.end == position {
		return s
	}
	return nil
}

// hasReliable reports whether the packet carries reliable data.
func (p *plan) hasReliable() bool {
	for i := range p.groups {
		if p.groups[i].hasReliable {
			return true
		}
	}
	return false
}

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
	if last <= 0 || p.groups[last].hasReliable {
		return
	}
	// Prefer any other lane to lane 0 for the last place.
	for i := last - 1; i >= 0; i-- {
		if p.groups[i].hasReliable {
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
		for i := g.begin; i < g.end; i++ {
			v := &p.segments[i]
			rest := lastGroup && i == g.end-1
			if v.reliable {
				dst = appendReliableHeader(dst, &state, v.begin, int(v.end-v.begin), rest)
				dst = l.stream.appendTo(dst, v.begin, v.end)
				continue
			}
			dst = appendUnreliableHeader(dst, &state, v.number, v.offset, v.last, int(v.end-v.begin), rest)
			dst = l.loose.appendTo(dst, v.begin, v.end)
			l.loose.release(v.end)
		}
	}
	return dst
}
