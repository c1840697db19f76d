package p2ptest

import (
	"fmt"
	"math/rand/v2"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// unreliable is a signaling service that loses signals, and sends some twice.
type unreliable struct {
	p2p.SignalingService
	loss, twice int // percent
}

func (u unreliable) Open(self crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	c, err := u.SignalingService.Open(self, handler)
	return unreliableClient{c, u}, err
}

type unreliableClient struct {
	p2p.SignalingClient
	u unreliable
}

func (c unreliableClient) SendSignal(to crypto.Identity, signal []byte) error {
	if rand.IntN(100) < c.u.loss {
		return nil
	}
	if rand.IntN(100) < c.u.twice {
		if err := c.SignalingClient.SendSignal(to, signal); err != nil {
			return err
		}
	}
	return c.SignalingClient.SendSignal(to, signal)
}

// told is an ICE that prints the candidates as the log of Valve's library has them.
type told struct{ p2p.ICE }

func (i told) NewAgent(c p2p.AgentConfig) (p2p.Agent, error) {
	found := c.OnCandidate
	c.OnCandidate = func(candidate string, kind p2p.Candidates) {
		fmt.Printf("LocalCandidateAdded %s\n", candidate)
		found(candidate, kind)
	}
	a, err := i.ICE.NewAgent(c)
	return toldAgent{a}, err
}

type toldAgent struct{ p2p.Agent }

func (a toldAgent) AddCandidate(candidate string) error {
	err := a.Agent.AddCandidate(candidate)
	if err == nil {
		fmt.Printf("Got remote candidate %q\n", candidate)
	}
	return err
}
