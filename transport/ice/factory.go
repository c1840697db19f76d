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
	agents map[*agent]struct{}
	stop   chan struct{} // ends the watcher; nil without one
	done   chan struct{} // closed when it has ended
}

func newFactory(opts Options, net network) *factory {
	if opts.Watch == 0 {
		opts.Watch = 2 * time.Second
	}
	return &factory{opts: opts, net: net, agents: make(map[*agent]struct{})}
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
	f.agents[a] = struct{}{}
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

// watch tells the agents when addresses of this machine have come or gone.
func (f *factory) watch(stop, done chan struct{}) {
	defer close(done)
	ticker := time.NewTicker(f.opts.Watch)
	defer ticker.Stop()
	last, _ := f.addresses()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
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
