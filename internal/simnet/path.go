package simnet

import (
	"math/rand/v2"
	"time"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/mono"
)

// Path says what happens to the datagrams of one direction between two hosts. The zero Path delivers
// everything at once.
type Path struct {
	// Settings are uniform loss, latency (Lag), jitter that keeps order, reordering, duplication, and
	// the rate limit with its queue (Backlog), whose tail is dropped.
	impair.Settings

	// Bursts is loss that comes in clumps.
	Bursts Bursts

	// Scatter delays each datagram by a random time from 0 to Scatter, regardless of order.
	Scatter time.Duration

	// MTU is the largest datagram, in bytes of UDP payload, that the path carries; larger ones vanish
	// without notice. 0 is no limit.
	MTU int
}

// Bursts is the model of Gilbert and Elliott: a path is in a good or in a bad state and may change it
// before each datagram.
type Bursts struct {
	Enter float64 // probability of going from good to bad
	Leave float64 // probability of going from bad to good
	Loss  float64 // probability of loss while bad
}

// cut is a time during which nothing enters a path.
type cut struct{ from, until mono.Time }

// path is a Path at work.
type path struct {
	Path
	link *impair.Link
	rng  *rand.Rand
	bad  bool // state of Bursts
	cuts []cut
	at   []mono.Time // scratch
}

func newPath(seed uint64) *path {
	return &path{link: impair.NewLink(impair.Settings{}, seed), rng: rand.New(rand.NewPCG(seed, 0x706174685f726e67))}
}

func (p *path) set(settings Path) {
	p.Path = settings
	p.link.SetSettings(settings.Settings)
}

// carry decides about a datagram: when it arrives and when its copy does, if it has one.
func (p *path) carry(now mono.Time, size int) ([]mono.Time, Fate) {
	// Drawn whether needed or not, so that a change of one setting leaves the rest as it was.
	change, loss, scatter, scatterCopy := p.rng.Float64(), p.rng.Float64(), p.rng.Float64(), p.rng.Float64()
	if p.bad {
		p.bad = change >= p.Bursts.Leave
	} else {
		p.bad = change < p.Bursts.Enter
	}
	for _, c := range p.cuts {
		if c.from <= now && now < c.until {
			return nil, Cut
		}
	}
	if p.MTU > 0 && size > p.MTU {
		return nil, TooBig
	}
	if p.bad && loss < p.Bursts.Loss {
		return nil, LostInBurst
	}
	limited := p.link.Stats().RateLimited
	p.at = p.link.Apply(now, size, p.at[:0])
	switch {
	case p.link.Stats().RateLimited > limited:
		return nil, QueueFull
	case len(p.at) == 0:
		return nil, Lost
	}
	p.at[0] = p.at[0].Add(time.Duration(scatter * float64(p.Scatter)))
	if len(p.at) > 1 {
		p.at[1] = p.at[1].Add(time.Duration(scatterCopy * float64(p.Scatter)))
		return p.at, Duplicated
	}
	return p.at, Sent
}
