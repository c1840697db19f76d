package snp

import "github.com/gogns/gns/internal/bufpool"

// storeBlock is the unit in which memory for stream bytes out of order is taken. Sparse data, which
// an attacker may send, costs a block per piece.
const storeBlock = 4096

// blockStore keeps stream bytes by absolute position, in blocks that exist only where something was
// written. It does not know which bytes of a block are valid.
type blockStore struct {
	base   int64 // number of the first block in the ring; block i covers [i, i+1) * storeBlock
	blocks ring[*bufpool.Buffer]
	used   int // blocks that exist
}

// cost returns how many bytes of new blocks writing [begin, end) would take.
func (s *blockStore) cost(begin, end int64) int {
	n := 0
	for i := begin / storeBlock; i*storeBlock < end; i++ {
		if j := i - s.base; s.blocks.len() == 0 || j < 0 || j >= int64(s.blocks.len()) || *s.blocks.at(int(j)) == nil {
			n += storeBlock
		}
	}
	return n
}

// write stores data at begin. Nothing below the release position may be written.
func (s *blockStore) write(begin int64, data []byte) {
	for len(data) > 0 {
		b := s.block(begin / storeBlock)
		n := copy(b[begin%storeBlock:], data)
		data = data[n:]
		begin += int64(n)
	}
}

func (s *blockStore) block(i int64) []byte {
	if s.blocks.len() == 0 {
		s.base = i
	}
	for i < s.base {
		s.pushFront()
	}
	for i-s.base >= int64(s.blocks.len()) {
		s.blocks.push()
	}
	p := s.blocks.at(int(i - s.base))
	if *p == nil {
		*p = bufpool.Get(storeBlock)
		s.used++
	}
	return (*p).B
}

// pushFront makes room for one block below the first.
func (s *blockStore) pushFront() {
	s.blocks.push()
	s.blocks.head = (s.blocks.head - 1) & uint32(len(s.blocks.items)-1)
	*s.blocks.front() = nil
	s.base--
}

// slice returns stored bytes from begin on, at most up to end or the end of the block.
func (s *blockStore) slice(begin, end int64) []byte {
	b := (*s.blocks.at(int(begin/storeBlock - s.base))).B
	from := begin % storeBlock
	return b[from:min(from+end-begin, storeBlock)]
}

// release gives back the blocks below position p; everything if all is set.
func (s *blockStore) release(p int64, all bool) {
	for s.blocks.len() > 0 && (all || (s.base+1)*storeBlock <= p) {
		if b := *s.blocks.front(); b != nil {
			b.Release()
			s.used--
		}
		s.blocks.pop()
		s.base++
	}
}

// memory returns the bytes that the store occupies.
func (s *blockStore) memory() int { return s.used * storeBlock }
