package impair

import "github.com/gogns/gns/internal/mono"

// Queue holds items until the instant each is due, the earliest first and those due at the same instant
// in the order in which they came. Its size is bounded. It is not safe for concurrent use.
type Queue[T any] struct {
	heap               []entry[T] // binary heap, the earliest at index 0
	maxItems, maxBytes int
	bytes              int
	pushed             uint64
}

type entry[T any] struct {
	at   mono.Time
	seq  uint64 // order of arrival
	size int
	item T
}

func (e *entry[T]) before(other *entry[T]) bool {
	return e.at < other.at || e.at == other.at && e.seq < other.seq
}

// NewQueue returns an empty queue that holds at most maxItems items with at most maxBytes bytes
// altogether.
func NewQueue[T any](maxItems, maxBytes int) *Queue[T] {
	return &Queue[T]{maxItems: maxItems, maxBytes: maxBytes}
}

// Push adds an item that counts as size bytes (≥ 0) and is due at the given instant. It returns false,
// and does not keep the item, if the queue is full.
func (q *Queue[T]) Push(at mono.Time, size int, item T) bool {
	if len(q.heap) >= q.maxItems || size > q.maxBytes-q.bytes {
		return false
	}
	q.bytes += size
	q.heap = append(q.heap, entry[T]{at, q.pushed, size, item})
	q.pushed++
	q.up(len(q.heap) - 1)
	return true
}

// Pop removes and returns the earliest item if it is due at now, with the instant at which it was due.
func (q *Queue[T]) Pop(now mono.Time) (item T, due mono.Time, ok bool) {
	if len(q.heap) == 0 || q.heap[0].at > now {
		return item, 0, false
	}
	first := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = entry[T]{} // for the garbage collector
	q.heap = q.heap[:last]
	q.down(0)
	q.bytes -= first.size
	return first.item, first.at, true
}

// NextDeadline returns when the earliest item is due; mono.Never if the queue is empty.
func (q *Queue[T]) NextDeadline() mono.Time {
	if len(q.heap) == 0 {
		return mono.Never
	}
	return q.heap[0].at
}

// Len returns the number of items.
func (q *Queue[T]) Len() int { return len(q.heap) }

// Bytes returns the sum of the sizes of the items.
func (q *Queue[T]) Bytes() int { return q.bytes }

func (q *Queue[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.heap[i].before(&q.heap[parent]) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

func (q *Queue[T]) down(i int) {
	for {
		first, child := i, 2*i+1
		for c := child; c < min(child+2, len(q.heap)); c++ {
			if q.heap[c].before(&q.heap[first]) {
				first = c
			}
		}
		if first == i {
			return
		}
		q.heap[i], q.heap[first] = q.heap[first], q.heap[i]
		i = first
	}
}
