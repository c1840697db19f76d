package snp

import "slices"

// interval is a half-open range [begin, end) of stream positions.
type interval struct{ begin, end int64 }

// intervals is a set of stream positions: disjoint, non-adjacent intervals in ascending order.
type intervals struct {
	list  []interval
	total int64 // positions in the set
}

func (s *intervals) empty() bool { return len(s.list) == 0 }

// search returns the index of the first interval that ends at or after p.
func (s *intervals) search(p int64) int {
	if n := len(s.list); n == 0 || s.list[n-1].end < p {
		return n // data mostly arrives in order
	}
	lo, hi := 0, len(s.list)
	for lo < hi {
		mid := (lo + hi) / 2
		if s.list[mid].end >= p {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// add inserts [begin, end), and returns how many positions were not in the set before.
func (s *intervals) add(begin, end int64) int64 {
	if begin >= end {
		return 0
	}
	before := s.total
	i := s.search(begin)
	if i == len(s.list) {
		s.list = append(s.list, interval{begin, end})
		s.total += end - begin
		return end - begin
	}
	first := s.list[i]
	if end < first.begin {
		s.list = slices.Insert(s.list, i, interval{begin, end})
		s.total += end - begin
		return end - begin
	}
	// Merge with every interval that overlaps or touches.
	merged := interval{min(begin, first.begin), max(end, first.end)}
	s.total -= first.end - first.begin
	j := i + 1
	for j < len(s.list) && s.list[j].begin <= merged.end {
		merged.end = max(merged.end, s.list[j].end)
		s.total -= s.list[j].end - s.list[j].begin
		j++
	}
	s.list[i] = merged
	s.list = slices.Delete(s.list, i+1, j)
	s.total += merged.end - merged.begin
	return s.total - before
}

// remove takes [begin, end) out of the set, and returns how many positions were in it.
func (s *intervals) remove(begin, end int64) int64 {
	if begin >= end {
		return 0
	}
	before := s.total
	i := s.search(begin + 1)
	for i < len(s.list) && s.list[i].begin < end {
		v := s.list[i]
		s.total -= min(end, v.end) - max(begin, v.begin)
		switch {
		case v.begin < begin && v.end > end:
			s.list[i].end = begin
			s.list = slices.Insert(s.list, i+1, interval{end, v.end})
			return before - s.total
		case v.begin < begin:
			s.list[i].end = begin
			i++
		case v.end > end:
			s.list[i].begin = end
			return before - s.total
		default:
			// Delete the whole run that is covered at once.
			j := i + 1
			for j < len(s.list) && s.list[j].end <= end {
				s.total -= s.list[j].end - s.list[j].begin
				j++
			}
			s.list = slices.Delete(s.list, i, j)
		}
	}
	return before - s.total
}

// contains reports whether all of [begin, end) is in the set.
func (s *intervals) contains(begin, end int64) bool {
	i := s.search(begin + 1)
	return i < len(s.list) && s.list[i].begin <= begin && end <= s.list[i].end
}

// overlaps reports whether any of [begin, end) is in the set.
func (s *intervals) overlaps(begin, end int64) bool {
	i := s.search(begin + 1)
	return i < len(s.list) && s.list[i].begin < end
}

// nextMissing returns the first maximal part of [begin, end) that is not in the set; it is empty
// (begin == end) if there is none.
func (s *intervals) nextMissing(begin, end int64) interval {
	i := s.search(begin + 1)
	if i < len(s.list) && s.list[i].begin <= begin {
		begin = min(s.list[i].end, end)
		i++
	}
	if i < len(s.list) {
		end = max(begin, min(end, s.list[i].begin))
	}
	return interval{begin, end}
}

// trim gives back the memory of an empty set.
func (s *intervals) trim() {
	if len(s.list) == 0 {
		s.list = nil
	}
}

func (s *intervals) clear() { s.list, s.total = s.list[:0], 0 }
