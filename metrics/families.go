package metrics

import "github.com/gogns/gns"

// family is one metric of Prometheus.
type family struct {
	name, kind, help string
	label            string // that tells values apart; empty if there is only one
	values           []value
}

// value is one time series of a family.
type value struct {
	label string
	get   func(*gns.Metrics) uint64
}

func gauge(get func(*gns.Metrics) int) func(*gns.Metrics) uint64 {
	return func(m *gns.Metrics) uint64 { return uint64(max(get(m), 0)) }
}

func one(get func(*gns.Metrics) uint64) []value { return []value{{"", get}} }

var families = []family{
	{"gns_connections", "gauge", "Connections by state.", "state", []value{
		{"connecting", gauge(func(m *gns.Metrics) int { return m.Connecting })},
		{"connected", gauge(func(m *gns.Metrics) int { return m.Connected })},
		{"ended", gauge(func(m *gns.Metrics) int { return m.Ended })},
		{"closing", gauge(func(m *gns.Metrics) int { return m.Closing })},
	}},
	{"gns_listen_sockets", "gauge", "Open listen sockets.", "", one(gauge(func(m *gns.Metrics) int { return m.ListenSockets }))},
	{"gns_poll_groups", "gauge", "Poll groups.", "", one(gauge(func(m *gns.Metrics) int { return m.PollGroups }))},
	{"gns_udp_sockets", "gauge", "Open UDP sockets.", "", one(gauge(func(m *gns.Metrics) int { return m.UDPSockets }))},
	{"gns_unread_messages", "gauge", "Messages that wait to be received.", "", one(gauge(func(m *gns.Metrics) int { return m.UnreadMessages }))},
	{"gns_queued_callbacks", "gauge", "Callbacks that wait to be run.", "", one(gauge(func(m *gns.Metrics) int { return m.QueuedCallbacks }))},
	{"gns_queued_bytes", "gauge", "Bytes of messages that wait to be sent (reliable, unreliable) or to be acknowledged (unacked).", "kind", []value{
		{"unreliable", gauge(func(m *gns.Metrics) int { return m.PendingUnreliable })},
		{"reliable", gauge(func(m *gns.Metrics) int { return m.PendingReliable })},
		{"unacked", gauge(func(m *gns.Metrics) int { return m.SentUnackedReliable })},
	}},
	{"gns_connections_begun_total", "counter", "Connections begun, by this side (out) or by peers (in).", "direction", []value{
		{"out", func(m *gns.Metrics) uint64 { return m.ConnectionsOut }},
		{"in", func(m *gns.Metrics) uint64 { return m.ConnectionsIn }},
	}},
	{"gns_connections_established_total", "counter", "Connections established.", "", one(func(m *gns.Metrics) uint64 { return m.Established })},
	{"gns_connections_ended_total", "counter", "Connections ended, by the peer, by this application, because the peer did not answer, or by another problem.", "by", []value{
		{"peer", func(m *gns.Metrics) uint64 { return m.ClosedByPeer }},
		{"application", func(m *gns.Metrics) uint64 { return m.ClosedHere }},
		{"timeout", func(m *gns.Metrics) uint64 { return m.TimedOut }},
		{"problem", func(m *gns.Metrics) uint64 { return m.Problems - m.TimedOut }},
	}},
	{"gns_packets_total", "counter", "Packets of connections.", "direction", []value{
		{"out", func(m *gns.Metrics) uint64 { return m.PacketsSent }},
		{"in", func(m *gns.Metrics) uint64 { return m.PacketsReceived }},
	}},
	{"gns_bytes_total", "counter", "Bytes of packets, UDP payload.", "direction", []value{
		{"out", func(m *gns.Metrics) uint64 { return m.BytesSent }},
		{"in", func(m *gns.Metrics) uint64 { return m.BytesReceived }},
	}},
	{"gns_packets_missed_total", "counter", "Packets that peers have sent and that have not arrived.", "", one(func(m *gns.Metrics) uint64 { return m.PacketsMissed })},
	{"gns_packets_out_of_order_total", "counter", "Packets that arrived late.", "", one(func(m *gns.Metrics) uint64 { return m.PacketsOutOfOrder })},
	{"gns_packets_dropped_total", "counter", "Datagrams that were not acted upon, by reason.", "reason", []value{
		{"malformed", func(m *gns.Metrics) uint64 { return m.DroppedMalformed }},
		{"unexpected", func(m *gns.Metrics) uint64 { return m.DroppedUnexpected }},
		{"refused", func(m *gns.Metrics) uint64 { return m.DroppedRefused }},
		{"duplicate", func(m *gns.Metrics) uint64 { return m.DroppedDuplicate }},
		{"undecryptable", func(m *gns.Metrics) uint64 { return m.DroppedUndecryptable }},
	}},
	{"gns_messages_total", "counter", "Messages of the application.", "direction", []value{
		{"out", func(m *gns.Metrics) uint64 { return m.MessagesSent }},
		{"in", func(m *gns.Metrics) uint64 { return m.MessagesReceived }},
	}},
	{"gns_message_bytes_total", "counter", "Bytes of messages of the application.", "direction", []value{
		{"out", func(m *gns.Metrics) uint64 { return m.MessageBytesSent }},
		{"in", func(m *gns.Metrics) uint64 { return m.MessageBytesReceived }},
	}},
	{"gns_sends_refused_total", "counter", "Messages not taken because the send buffer was full.", "", one(func(m *gns.Metrics) uint64 { return m.SendsRefused })},
}
