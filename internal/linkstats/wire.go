package linkstats

import (
	"math"
	"time"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// ToWire converts to the message that peers exchange: rates are truncated, fractions become whole
// percent, and unknown values stay absent.
func (i *Instantaneous) ToWire() *pb.CMsgSteamDatagramLinkInstantaneousStats {
	m := &pb.CMsgSteamDatagramLinkInstantaneousStats{
		OutPacketsPerSecX10: proto.Uint32(uint32(i.OutPacketsPerSec * 10)),
		OutBytesPerSec:      proto.Uint32(uint32(i.OutBytesPerSec)),
		InPacketsPerSecX10:  proto.Uint32(uint32(i.InPacketsPerSec * 10)),
		InBytesPerSec:       proto.Uint32(uint32(i.InBytesPerSec)),
	}
	if i.PingMs >= 0 {
		m.PingMs = proto.Uint32(uint32(i.PingMs))
	}
	if i.DroppedFraction >= 0 {
		m.PacketsDroppedPct = proto.Uint32(uint32(i.DroppedFraction * 100))
	}
	if i.WeirdFraction >= 0 {
		m.PacketsWeirdSequencePct = proto.Uint32(uint32(i.WeirdFraction * 100))
	}
	if i.PeakJitter >= 0 {
		m.PeakJitterUsec = proto.Uint32(uint32(i.PeakJitter / time.Microsecond))
	}
	return m
}

// InstantaneousFromWire converts what a peer sent. The message is not authenticated, so its values are
// clamped to what they can mean.
func InstantaneousFromWire(m *pb.CMsgSteamDatagramLinkInstantaneousStats) Instantaneous {
	i := Instantaneous{
		OutPacketsPerSec: float64(m.GetOutPacketsPerSecX10()) / 10,
		OutBytesPerSec:   float64(m.GetOutBytesPerSec()),
		InPacketsPerSec:  float64(m.GetInPacketsPerSecX10()) / 10,
		InBytesPerSec:    float64(m.GetInBytesPerSec()),
		PingMs:           -1, DroppedFraction: -1, WeirdFraction: -1, PeakJitter: -1,
	}
	if m.PingMs != nil {
		i.PingMs = int32(min(*m.PingMs, 1<<30))
	}
	if m.PacketsDroppedPct != nil {
		i.DroppedFraction = float64(min(*m.PacketsDroppedPct, 100)) / 100
	}
	if m.PacketsWeirdSequencePct != nil {
		i.WeirdFraction = float64(min(*m.PacketsWeirdSequencePct, 100)) / 100
	}
	if m.PeakJitterUsec != nil {
		i.PeakJitter = time.Duration(*m.PeakJitterUsec) * time.Microsecond
	}
	return i
}

// ToWire converts to the message that peers exchange. Empty histogram buckets and percentiles without
// enough samples stay absent.
func (l *Lifetime) ToWire() *pb.CMsgSteamDatagramLinkLifetimeStats {
	count := func(v uint32) *uint32 {
		if v == 0 {
			return nil
		}
		return proto.Uint32(v)
	}
	percentile := func(v int32) *uint32 {
		if v < 0 {
			return nil
		}
		return proto.Uint32(uint32(v))
	}
	kb := func(bytes uint64) *uint64 { return proto.Uint64((bytes + 512) / 1024) }
	return &pb.CMsgSteamDatagramLinkLifetimeStats{
		ConnectedSeconds:               proto.Uint32(uint32(max(1, l.ConnectedSeconds))),
		PacketsSent:                    proto.Uint64(l.SentPackets),
		KbSent:                         kb(l.SentBytes),
		PacketsRecv:                    proto.Uint64(l.RecvPackets),
		KbRecv:                         kb(l.RecvBytes),
		PacketsRecvSequenced:           proto.Uint64(l.RecvSequenced),
		PacketsRecvDropped:             proto.Uint64(l.Dropped),
		PacketsRecvOutOfOrder:          proto.Uint64(l.OutOfOrder),
		PacketsRecvOutOfOrderCorrected: proto.Uint64(l.CorrectedOutOfOrder),
		PacketsRecvDuplicate:           proto.Uint64(l.Duplicate),
		PacketsRecvLurch:               proto.Uint64(l.Lurch),

		QualityHistogram_100:      count(l.QualityHistogram[0]),
		QualityHistogram_99:       count(l.QualityHistogram[1]),
		QualityHistogram_97:       count(l.QualityHistogram[2]),
		QualityHistogram_95:       count(l.QualityHistogram[3]),
		QualityHistogram_90:       count(l.QualityHistogram[4]),
		QualityHistogram_75:       count(l.QualityHistogram[5]),
		QualityHistogram_50:       count(l.QualityHistogram[6]),
		QualityHistogram_1:        count(l.QualityHistogram[7]),
		QualityHistogramDead:      count(l.QualityHistogram[8]),
		QualityNtile_2Nd:          percentile(l.QualityPercentiles[0]),
		QualityNtile_5Th:          percentile(l.QualityPercentiles[1]),
		QualityNtile_25Th:         percentile(l.QualityPercentiles[2]),
		QualityNtile_50Th:         percentile(l.QualityPercentiles[3]),
		PingHistogram_25:          count(l.PingHistogram[0]),
		PingHistogram_50:          count(l.PingHistogram[1]),
		PingHistogram_75:          count(l.PingHistogram[2]),
		PingHistogram_100:         count(l.PingHistogram[3]),
		PingHistogram_125:         count(l.PingHistogram[4]),
		PingHistogram_150:         count(l.PingHistogram[5]),
		PingHistogram_200:         count(l.PingHistogram[6]),
		PingHistogram_300:         count(l.PingHistogram[7]),
		PingHistogramMax:          count(l.PingHistogram[8]),
		PingNtile_5Th:             percentile(l.PingPercentiles[0]),
		PingNtile_50Th:            percentile(l.PingPercentiles[1]),
		PingNtile_75Th:            percentile(l.PingPercentiles[2]),
		PingNtile_95Th:            percentile(l.PingPercentiles[3]),
		PingNtile_98Th:            percentile(l.PingPercentiles[4]),
		JitterHistogramNegligible: count(l.JitterHistogram[0]),
		JitterHistogram_1:         count(l.JitterHistogram[1]),
		JitterHistogram_2:         count(l.JitterHistogram[2]),
		JitterHistogram_5:         count(l.JitterHistogram[3]),
		JitterHistogram_10:        count(l.JitterHistogram[4]),
		JitterHistogram_20:        count(l.JitterHistogram[5]),
	}
}

// LifetimeFromWire converts what a peer sent. Absent percentiles become -1. Figures too large to be true
// become the largest that fit.
func LifetimeFromWire(m *pb.CMsgSteamDatagramLinkLifetimeStats) Lifetime {
	percentile := func(p *uint32) int32 {
		if p == nil {
			return -1
		}
		return int32(min(*p, 1<<30))
	}
	bytes := func(kb uint64) uint64 { return min(kb, math.MaxUint64/1024) * 1024 }
	return Lifetime{
		ConnectedSeconds: int(min(m.GetConnectedSeconds(), math.MaxInt32)),
		Counters: Counters{
			SentPackets: m.GetPacketsSent(), SentBytes: bytes(m.GetKbSent()),
			RecvPackets: m.GetPacketsRecv(), RecvBytes: bytes(m.GetKbRecv()),
			RecvSequenced: m.GetPacketsRecvSequenced(), Dropped: m.GetPacketsRecvDropped(),
			OutOfOrder: m.GetPacketsRecvOutOfOrder(), Duplicate: m.GetPacketsRecvDuplicate(),
			Lurch: m.GetPacketsRecvLurch(),
		},
		CorrectedOutOfOrder: m.GetPacketsRecvOutOfOrderCorrected(),
		QualityHistogram: [9]uint32{
			m.GetQualityHistogram_100(), m.GetQualityHistogram_99(), m.GetQualityHistogram_97(),
			m.GetQualityHistogram_95(), m.GetQualityHistogram_90(), m.GetQualityHistogram_75(),
			m.GetQualityHistogram_50(), m.GetQualityHistogram_1(), m.GetQualityHistogramDead(),
		},
		QualityPercentiles: [4]int32{
			percentile(m.QualityNtile_2Nd), percentile(m.QualityNtile_5Th),
			percentile(m.QualityNtile_25Th), percentile(m.QualityNtile_50Th),
		},
		PingHistogram: [9]uint32{
			m.GetPingHistogram_25(), m.GetPingHistogram_50(), m.GetPingHistogram_75(),
			m.GetPingHistogram_100(), m.GetPingHistogram_125(), m.GetPingHistogram_150(),
			m.GetPingHistogram_200(), m.GetPingHistogram_300(), m.GetPingHistogramMax(),
		},
		PingPercentiles: [5]int32{
			percentile(m.PingNtile_5Th), percentile(m.PingNtile_50Th), percentile(m.PingNtile_75Th),
			percentile(m.PingNtile_95Th), percentile(m.PingNtile_98Th),
		},
		JitterHistogram: [6]uint32{
			m.GetJitterHistogramNegligible(), m.GetJitterHistogram_1(), m.GetJitterHistogram_2(),
			m.GetJitterHistogram_5(), m.GetJitterHistogram_10(), m.GetJitterHistogram_20(),
		},
	}
}
