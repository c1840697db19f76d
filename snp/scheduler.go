package snp

// virtualScale is virtual time per byte for weight 1.
const virtualScale = 1 << 16

// scheduler chooses which lane may fill the next packet: strict priority between classes, and within
// a class the lane that has been served least in proportion to its weight (start-time fair queueing:
// a lane that was idle begins at its class's clock, so idling earns no credit).
//
// It holds the lanes that have something sendable in a heap.
type scheduler struct {
	heap   []*sendLane
	clocks []uint64 // virtual time per class
	epoch  uint64   // grows whenever all lanes are idle, which resets virtual time
}

func (s *scheduler) empty() bool { return len(s.heap) == 0 }

// reset drops all lanes and sets the number of classes.
func (s *scheduler) reset(classes int) {
	for _, l := range s.heap {
		l.heapAt = -1
	}
	s.heap = s.heap[:0]
	s.clocks = make([]uint64, classes)
	s.epoch++
}

// activate adds a lane that has become sendable.
func (s *scheduler) activate(l *sendLane) {
	if l.heapAt >= 0 {
		return
	}
	if len(s.heap) == 0 {
		s.epoch++
		clear(s.clocks)
	}
	if l.epoch != s.epoch {
		l.epoch, l.finish = s.epoch, 0
	}
	l.finish = max(l.finish, s.clocks[l.class])
	s.push(l)
}

// take removes the lane that is to be served next and returns it, nil if there is none. The lanes
// taken for a packet come back through served when the packet is complete.
func (s *scheduler) take() *sendLane {
	if len(s.heap) == 0 {
		return nil
	}
	l := s.heap[0]
	s.remove(l)
	return l
}

// turn is a place in the order of service.
type turn struct {
	class  int
	finish uint64
}

func (t turn) before(u turn) bool {
	return t.class < u.class || t.class == u.class && t.finish < u.finish
}

// turnAfter returns the place of a lane that was taken and has used so many bytes of the packet.
func (s *scheduler) turnAfter(l *sendLane, bytes int) turn {
	return turn{l.class, l.finish + virtualTime(l, bytes)}
}

// mustYield reports whether the lanes that wait have to let one with the given place go first, even if it can
// do so only in the next packet. Filling this one with their data would give them more of the send rate than
// is theirs.
func (s *scheduler) mustYield(t turn) bool {
	return len(s.heap) > 0 && !turn{s.heap[0].class, s.heap[0].finish}.before(t)
}

// virtualTime is the time that serving a lane so many bytes takes by its own clock.
func virtualTime(l *sendLane, bytes int) uint64 {
	return uint64(bytes) * virtualScale / uint64(l.weight)
}

// served notes that bytes of lane l were sent, and keeps the lane if it has more to send.
func (s *scheduler) served(l *sendLane, bytes int, sendable bool) {
	if bytes > 0 {
		s.clocks[l.class] = max(s.clocks[l.class], l.finish)
		l.finish += virtualTime(l, bytes)
	}
	if sendable {
		s.push(l)
	}
}

func (s *scheduler) push(l *sendLane) {
	l.heapAt = len(s.heap)
	s.heap = append(s.heap, l)
	s.up(l.heapAt)
}

// remove takes a lane out.
func (s *scheduler) remove(l *sendLane) {
	i := l.heapAt
	if i < 0 {
		return
	}
	l.heapAt = -1
	last := len(s.heap) - 1
	moved := s.heap[last]
	s.heap[last] = nil
	s.heap = s.heap[:last]
	if i == last {
		return
	}
	s.heap[i], moved.heapAt = moved, i
	s.up(i)
	s.down(moved.heapAt)
}

func before(a, b *sendLane) bool {
	if a.class != b.class {
		return a.class < b.class
	}
	if a.finish != b.finish {
		return a.finish < b.finish
	}
	return a.index < b.index
}

func (s *scheduler) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !before(s.heap[i], s.heap[parent]) {
			return
		}
		s.swap(i, parent)
		i = parent
	}
}

func (s *scheduler) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(s.heap) {
			return
		}
		if child+1 < len(s.heap) && before(s.heap[child+1], s.heap[child]) {
			child++
		}
		if !before(s.heap[child], s.heap[i]) {
			return
		}
		s.swap(i, child)
		i = child
	}
}

func (s *scheduler) swap(i, j int) {
	s.heap[i], s.heap[j] = s.heap[j], s.heap[i]
	s.heap[i].heapAt, s.heap[j].heapAt = i, j
}
