package gns_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/p2p"
	"github.com/stretchr/testify/require"
)

// Goroutines of three peers do all there is to do at the same time. It is for the race detector; that nothing is left over the world
// checks in the end.
func TestMessagesHammer(t *testing.T) {
	for seed := range uint64(3) {
		inVirtualTime(t, seed, func(t *testing.T, w *world) {
			office := newPostOffice()
			names := []string{"alice", "bob", "carol"}
			ids := make([]gns.Identity, len(names))
			all := make([]*gns.Sockets, len(names))
			for i, name := range names {
				machine := w.machine()
				ids[i] = gns.GenericString(name)
				all[i] = w.open(machine, gns.Options{Identity: ids[i], Signaling: office, ICE: &oneAtATime{ICE: &simICE{w: w, m: machine}}})
				m := all[i].Messages()
				m.OnSessionRequest(func(r gns.SessionRequest) { noFailure(t, m.AcceptSessionWithUser(r.Peer)) })
				m.OnSessionFailed(func(f gns.SessionFailed) { noFailure(t, m.CloseSessionWithUser(f.Info.Identity)) })
			}
			ctx, cancel := context.WithTimeout(w.ctx, 3*time.Second)
			defer cancel()
			var done sync.WaitGroup
			received := make([]int, len(all))
			for i, s := range all {
				m := s.Messages()
				for worker := range 3 {
					dice := rand.New(rand.NewPCG(seed, uint64(10*i+worker)))
					done.Go(func() {
						for ctx.Err() == nil {
							noFailure(t, strike(m, dice, ids[dice.IntN(len(ids))]))
							time.Sleep(time.Duration(dice.IntN(30)) * time.Millisecond)
						}
					})
				}
				done.Go(func() {
					for {
						got, err := m.Receive(ctx, 0)
						if err != nil {
							require.ErrorIs(t, err, context.DeadlineExceeded)
							return
						}
						received[i]++
						got.Release()
					}
				})
				done.Go(func() {
					for ctx.Err() == nil {
						s.RunCallbacks()
						time.Sleep(10 * time.Millisecond)
					}
				})
			}
			done.Wait()
			for i := range all {
				require.Positive(t, received[i])
			}
		})
	}
}

// oneAtATime lets several goroutines use the ICE of tests.
type oneAtATime struct {
	p2p.ICE
	mu sync.Mutex
}

func (o *oneAtATime) NewAgent(cfg p2p.AgentConfig) (p2p.Agent, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ICE.NewAgent(cfg)
}

// strike makes one call.
func strike(m *gns.Messages, dice *rand.Rand, peer gns.Identity) error {
	channel := dice.IntN(3)
	switch dice.IntN(60) {
	case 0:
		return m.CloseSessionWithUser(peer)
	case 1:
		return m.CloseChannelWithUser(peer, channel)
	case 2:
		m.SessionConnectionInfo(peer)
		return nil
	case 3:
		return m.AcceptSessionWithUser(peer)
	case 4:
		var buf [2]*gns.Message
		n, err := m.ReceiveMessagesOnChannel(channel, buf[:])
		for _, message := range buf[:n] {
			message.Release()
		}
		return err
	}
	flags := []gns.SendFlags{gns.SendReliable, gns.SendUnreliable, gns.SendUnreliableNoDelay}[dice.IntN(3)]
	return m.SendMessageToUser(peer, make([]byte, dice.IntN(2000)), flags|gns.SendAutoRestartBrokenSession, channel)
}

// noFailure passes errors that say no more than that somebody else has done something meanwhile.
func noFailure(t *testing.T, err error) {
	for _, ok := range []error{nil, gns.ErrNoConnection, gns.ErrConnectFailed, gns.ErrIgnored, gns.ErrLimitExceeded} {
		if errors.Is(err, ok) {
			return
		}
	}
	t.Error(fmt.Errorf("a call: %w", err))
}
