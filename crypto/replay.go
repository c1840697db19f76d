package crypto

import (
	"crypto/sha256"
	"sync"
)

// replayMemory is how many crypt infos a ReplayGuard remembers.
const replayMemory = 1 << 14

// ReplayGuard remembers the crypt infos of authenticated peers, each of which is good for a single
// connection. Certificate and info are sent in the clear, and the signature on the info does not bind it to
// a connection, so that anybody may present recorded ones; whoever does so cannot derive the keys, but
// would be taken for connected. The guard knows the latest 16384 of them; an older recording is not
// noticed, and stays a peer without the keys.
//
// It is safe for concurrent use.
type ReplayGuard struct {
	mu   sync.Mutex
	seen map[infoDigest]struct{}
	ring []infoDigest
	next int
}

type infoDigest [16]byte

// NewReplayGuard returns a guard that has seen nothing.
func NewReplayGuard() *ReplayGuard {
	return &ReplayGuard{seen: make(map[infoDigest]struct{})}
}

func digestOf(info []byte) infoDigest {
	sum := sha256.Sum256(info)
	return infoDigest(sum[:16])
}

// Seen reports whether a connection was made with the info before.
func (g *ReplayGuard) Seen(info []byte) bool {
	d := digestOf(info)
	g.mu.Lock()
	defer g.mu.Unlock()
	_, seen := g.seen[d]
	return seen
}

// use notes that a connection is made with the info. It returns false if one was made before.
func (g *ReplayGuard) use(info []byte) bool {
	d := digestOf(info)
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, seen := g.seen[d]; seen {
		return false
	}
	g.seen[d] = struct{}{}
	if len(g.ring) < replayMemory {
		g.ring = append(g.ring, d)
		return true
	}
	delete(g.seen, g.ring[g.next])
	g.ring[g.next] = d
	g.next = (g.next + 1) % replayMemory
	return true
}
