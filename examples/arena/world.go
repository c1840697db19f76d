package arena

import (
	"maps"
	"math/rand/v2"
	"slices"
)

const (
	worldSize  = 1000
	speed      = 12 // per tick
	coins      = 8
	coinRadius = 25
)

// world is the game: no network, no clock. All of its chance comes from a seed, so that it can be tested
// and replayed.
type world struct {
	tick    uint32
	players map[uint16]*player
	coins   [coins]point
	rand    *rand.Rand
}

type point struct{ x, y int16 }

// player is somebody in the world.
type player struct {
	at        point
	dx, dy    int8
	lastInput uint32
	score     uint16
}

func newWorld(seed uint64) *world {
	w := &world{players: make(map[uint16]*player), rand: rand.New(rand.NewPCG(seed, 1))}
	for i := range w.coins {
		w.coins[i] = w.anywhere()
	}
	return w
}

func (w *world) anywhere() point {
	return point{int16(w.rand.IntN(worldSize)), int16(w.rand.IntN(worldSize))}
}

// ids returns who is there, in an order that does not depend on chance.
func (w *world) ids() []uint16 { return slices.Sorted(maps.Keys(w.players)) }

func (w *world) join(id uint16) { w.players[id] = &player{at: w.anywhere()} }

func (w *world) leave(id uint16) { delete(w.players, id) }

// input notes what a player wants to do, unless a later input has arrived before.
func (w *world) input(id uint16, in input) {
	if p := w.players[id]; p != nil && in.Number > p.lastInput {
		p.lastInput, p.dx, p.dy = in.Number, sign(in.DX), sign(in.DY)
	}
}

func sign(d int8) int8 { return min(1, max(-1, d)) }

// step moves everybody on by one tick. It returns who found a coin.
func (w *world) step() (scored []uint16) {
	w.tick++
	for _, id := range w.ids() {
		p := w.players[id]
		p.at.x = min(worldSize-1, max(0, p.at.x+int16(p.dx)*speed))
		p.at.y = min(worldSize-1, max(0, p.at.y+int16(p.dy)*speed))
		for i, c := range w.coins {
			dx, dy := int(c.x-p.at.x), int(c.y-p.at.y)
			if dx*dx+dy*dy <= coinRadius*coinRadius {
				p.score++
				w.coins[i] = w.anywhere()
				scored = append(scored, id)
			}
		}
	}
	return scored
}

// snapshot encodes the world as everybody sees it.
func (w *world) snapshot() []byte {
	b := encode(kindSnapshot, snapshot{Tick: w.tick, Actors: uint16(len(w.players))}, nil)
	for _, id := range w.ids() {
		p := w.players[id]
		b = appendFixed(b, actor{ID: id, X: p.at.x, Y: p.at.y, Score: p.score})
	}
	return b
}
