package peer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
)

// Content returns size bytes that depend on nothing but the seed. The content of a smaller size is a
// prefix of that of a larger one.
func Content(seed uint64, size int) []byte {
	data := make([]byte, size)
	_, _ = io.ReadFull(NewContentReader(seed), data)
	return data
}

// ContentReader yields the endless byte stream of which Content is a prefix.
type ContentReader struct {
	state uint64
	word  [8]byte
	left  int // bytes of word not yet read
}

// NewContentReader returns the stream of a seed, from its start.
func NewContentReader(seed uint64) *ContentReader { return &ContentReader{state: seed} }

// Read fills p; it never fails.
func (r *ContentReader) Read(p []byte) (int, error) {
	for i := 0; i < len(p); {
		if r.left == 0 {
			// One step of the SplitMix64 generator.
			r.state += 0x9e3779b97f4a7c15
			z := r.state
			z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
			z = (z ^ z>>27) * 0x94d049bb133111eb
			binary.LittleEndian.PutUint64(r.word[:], z^z>>31)
			r.left = len(r.word)
		}
		n := copy(p[i:], r.word[len(r.word)-r.left:])
		i += n
		r.left -= n
	}
	return len(p), nil
}

// Sum is a short digest of message contents, as events carry it.
func Sum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
