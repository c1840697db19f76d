package gns

import (
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/transport/udp"
)

// fakeConditions are the simulated network conditions that the FakePacket… and FakeRateLimit… values
// stand for. Like Valve's they act on every socket, but only on those of one Sockets.
func fakeConditions(s *config.Store) udp.Conditions {
	return udp.Conditions{
		Send: fakeDirection(s, fakeIDs{
			loss: config.FakePacketLossSend, lag: config.FakePacketLagSend, reorder: config.FakePacketReorderSend,
			dup: config.FakePacketDupSend, jitterAvg: config.FakePacketJitterSendAvg, jitterMax: config.FakePacketJitterSendMax,
			jitterPct: config.FakePacketJitterSendPct, rate: config.FakeRateLimitSendRate, burst: config.FakeRateLimitSendBurst,
		}),
		Recv: fakeDirection(s, fakeIDs{
			loss: config.FakePacketLossRecv, lag: config.FakePacketLagRecv, reorder: config.FakePacketReorderRecv,
			dup: config.FakePacketDupRecv, jitterAvg: config.FakePacketJitterRecvAvg, jitterMax: config.FakePacketJitterRecvMax,
			jitterPct: config.FakePacketJitterRecvPct, rate: config.FakeRateLimitRecvRate, burst: config.FakeRateLimitRecvBurst,
		}),
	}
}

// fakeIDs are the values of one direction.
type fakeIDs struct {
	loss, lag, reorder, dup, jitterAvg, jitterMax, jitterPct, rate, burst config.ID
}

func fakeDirection(s *config.Store, id fakeIDs) udp.Settings {
	percent := func(id config.ID) float64 { return float64(s.Float(id)) / 100 }
	whole := func(id config.ID) time.Duration { return time.Duration(s.Int32(id)) * time.Millisecond }
	fraction := func(id config.ID) time.Duration {
		return time.Duration(float64(s.Float(id)) * float64(time.Millisecond))
	}
	return udp.Settings{
		Loss:         percent(id.loss),
		Lag:          whole(id.lag),
		Reorder:      percent(id.reorder),
		ReorderDelay: whole(config.FakePacketReorderTime),
		Duplicate:    percent(id.dup),
		DuplicateMax: whole(config.FakePacketDupTimeMax),
		JitterAvg:    fraction(id.jitterAvg),
		JitterMax:    fraction(id.jitterMax),
		JitterOdds:   percent(id.jitterPct),
		Rate:         int(s.Int32(id.rate)),
		Burst:        int(s.Int32(id.burst)),
	}
}
