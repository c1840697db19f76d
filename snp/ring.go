package snp

// ring is a FIFO that grows by doubling and allocates nothing once it is large enough.
type ring[T any] struct {
	items   []T // length is a power of two, or zero
	head, n uint32
}

func (r *ring[T]) len() int { return int(r.n) }

// at returns the i-th oldest item.
func (r *ring[T]) at(i int) *T { return &r.items[(int(r.head)+i)&(len(r.items)-1)] }

func (r *ring[T]) front() *T { return &r.items[r.head] }

func (r *ring[T]) back() *T { return r.at(int(r.n) - 1) }

// push appends a zero item and returns it.
func (r *ring[T]) push() *T {
	if int(r.n) == len(r.items) {
		grown := make([]T, max(1, 2*len(r.items)))
		for i := range r.n {
			grown[i] = *r.at(int(i))
		}
		r.items, r.head = grown, 0
	}
	r.n++
	p := r.back()
	var zero T
	*p = zero
	return p
}

// trim gives back the memory of an empty ring.
func (r *ring[T]) trim() {
	if r.n == 0 {
		r.items, r.head = nil, 0
	}
}

// pop removes the oldest item.
func (r *ring[T]) pop() {
	var zero T
	r.items[r.head] = zero
	r.head = (r.head + 1) & uint32(len(r.items)-1)
	r.n--
}
