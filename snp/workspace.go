package snp

import (
	"sync"

	"github.com/gogns/gns/reliability"
)

// workspace is what a session needs while it builds a packet or reads an ack, and at no other time: sessions
// lend it to each other.
type workspace struct {
	plan   plan
	taken  []takenLane
	ranges []reliability.Range
	blocks []reliability.Block
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func borrowWorkspace() *workspace { return workspaces.Get().(*workspace) }

func (w *workspace) giveBack() {
	clear(w.taken)
	w.plan.reset()
	w.taken, w.ranges = w.taken[:0], w.ranges[:0]
	workspaces.Put(w)
}
