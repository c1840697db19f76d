package ice

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gogns/gns/p2p"
)

// factory makes agents, and tells them when the addresses of this machine change.
type factory struct {
	opts Options
	net  network

	mu     sync.Mutex
	agents map[*agent]bool // whether one has no path, so that addresses are to be watched closely
	stop   chan struct{}   // ends the watcher; nil without one
	done   chan struct{}   // closed when it has ended
	haste  chan struct{}   // one slot: an agent has lost its path
}

func newFactory(opts Options, net network) *factory {
	if opts.Watch == 0 {
		opts.Watch = 2 * time.Second
	}
	return &factory{opts: opts, net: net, agents: make(map[*agent]bool), haste: make(chan struct{}, 1)}
}

// Credentials that are too short are easily guessed; RFC 8445, section 5.3, has these limits.
const minUfrag, minPwd, maxCredential = 4, 22, 256

// NewAgent implements p2p.ICE.
func (f *factory) NewAgent(cfg p2p.AgentConfig) (p2p.Agent, error) {
	switch {
	case len(cfg.Ufrag) < minUfrag || len(cfg.Ufrag) > maxCredential:
		return nil, fmt.Errorf("ice: the user name fragment has %d characters", len(cfg.Ufrag))
	case len(cfg.Pwd) < minPwd || len(cfg.Pwd) > maxCredential:
		return nil, fmt.Errorf("ice: the password has %d characters", len(cfg.Pwd))
	case cfg.Receive == nil:
		return nil, errors.New("ice: AgentConfig.Receive is nil")
	case f.opts.MinPort > f.opts.MaxPort:
		return nil, errors.New("ice: Options.MinPort is larger than Options.MaxPort")
	}
	if cfg.OnCandidate == nil {
		cfg.OnCandidate = func(string, p2p.Candidates) {}
	}
	if cfg.OnGathered == nil {
		cfg.OnGathered = func() {}
	}
	if cfg.OnRoute == nil {
		cfg.OnRoute = func(p2p.Route) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.STUN, cfg.TURN = slices.Clone(cfg.STUN), slices.Clone(cfg.TURN)
	a := newAgent(f, cfg)
	f.add(a)
	return a, nil
}

func (f *factory) add(a *agent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.agents[a] = false
	if f.stop == nil && f.opts.Watch > 0 {
		f.stop, f.done = make(chan struct{}), make(chan struct{})
		go f.watch(f.stop, f.done)
	}
}

// remove forgets an agent. With the last one the watcher ends.
func (f *factory) remove(a *agent) {
	f.mu.Lock()
	delete(f.agents, a)
	var done chan struct{}
	if len(f.agents) == 0 && f.stop != nil {
		close(f.stop)
		f.stop, done = nil, f.done
	}
	f.mu.Unlock()
	if done != nil {
		<-done
	}
}

// hurry makes addresses be watched more often while an agent has no path.
func (f *factory) hurry(a *agent, hurried bool) {
	f.mu.Lock()
	if _, ok := f.agents[a]; ok {
		f.agents[a] = hurried
	}
	f.mu.Unlock()
	if hurried {
		select {
		case f.haste <- struct{}{}:
		default:
		}
	}
}

// interval returns how long the watcher has to wait.
func (f *factory) interval() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, hurried := range f.agents {
		if hurried {
			return min(watchHurried, f.opts.Watch)
		}
	}
	return f.opts.Watch
}

// watchHurried is how often addresses are looked at while there is no path: it may be there again as soon as an address is.
const watchHurried = 300 * time.Millisecond

// watch tells the agents when addresses of this machine have come or gone.
func (f *factory) watch(stop, done chan struct{}) {
	defer close(done)
	timer := time.NewTimer(f.interval())
	defer timer.Stop()
	last, _ := f.addresses()
	for {
		select {
		case <-stop:
			return
		case <-f.haste:
		case <-timer.C:
		}
		timer.Reset(f.interval())
		now, err := f.addresses()
		if err != nil || slices.Equal(now, last) {
			continue
		}
		last = now
		f.mu.Lock()
		for a := range f.agents {
			a.ask(func(w *work) { w.network = true })
		}
		f.mu.Unlock()
	}
}

// addresses returns the addresses that sockets are bound to.
func (f *factory) addresses() ([]address, error) {
	all, err := f.net.addresses()
	return f.opts.usable(all), err
}
