package rendezvous

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

const testStart = mono.Time(time.Hour)

func candidate(text string) *pb.CMsgICERendezvous {
	return &pb.CMsgICERendezvous{AddCandidate: &pb.CMsgICECandidate{Candidate: proto.String(text)}}
}

// sender is an Outgoing that says a, b, c and so on.
type sender struct {
	t testing.TB
	Outgoing
	said int
}

func (s *sender) say(n int) {
	for range n {
		require.True(s.t, s.Queue(candidate(fmt.Sprint(s.said))))
		s.said++
	}
}

// put returns the first number and the texts of a signal at now.
func (s *sender) put(now mono.Time, all bool) (first uint32, texts []string) {
	var m pb.CMsgSteamNetworkingP2PRendezvous
	s.Put(now, all, &m)
	require.Equal(s.t, m.FirstReliableMsg != nil, len(m.ReliableMessages) > 0)
	return m.GetFirstReliableMsg(), textsOf(m.ReliableMessages)
}

func textsOf(list []*pb.CMsgSteamNetworkingP2PRendezvous_ReliableMessage) (texts []string) {
	for _, m := range list {
		texts = append(texts, m.GetIce().GetAddCandidate().GetCandidate())
	}
	return texts
}

func TestOutgoingNumbersFromOne(t *testing.T) {
	t.Parallel()
	s := sender{t: t}
	require.Equal(t, mono.Never, s.Due())
	first, texts := s.put(testStart, true)
	require.Zero(t, first)
	require.Empty(t, texts)

	s.say(2)
	require.LessOrEqual(t, s.Due(), testStart, "what was never sent is due")
	first, texts = s.put(testStart, false)
	require.EqualValues(t, 1, first)
	require.Equal(t, []string{"0", "1"}, texts)

	require.True(t, s.Ack(2))
	require.Zero(t, s.Unacked())
	require.EqualValues(t, 2, s.Acked())
	s.say(1)
	first, texts = s.put(testStart, false)
	require.EqualValues(t, 3, first)
	require.Equal(t, []string{"2"}, texts)
}

func TestOutgoingRepeatsFromTheFirstExpired(t *testing.T) {
	t.Parallel()
	s := sender{t: t}
	at := func(ms int) mono.Time { return testStart.Add(time.Duration(ms) * time.Millisecond) }
	s.say(1)
	s.put(at(0), false)
	s.say(1)
	first, texts := s.put(at(400), false)
	require.EqualValues(t, 2, first)
	require.Equal(t, []string{"1"}, texts, "the first is not expired yet")
	require.Equal(t, at(1000), s.Due())

	_, texts = s.put(at(999), false)
	require.Empty(t, texts)
	first, texts = s.put(at(1000), false)
	require.EqualValues(t, 1, first)
	require.Equal(t, []string{"0", "1"}, texts, "through the end, expired or not")
	require.Equal(t, at(2000), s.Due(), "both wait anew")

	s.say(1)
	first, texts = s.put(at(1500), true)
	require.EqualValues(t, 1, first)
	require.Equal(t, []string{"0", "1", "2"}, texts, "all, if asked")
	require.Equal(t, at(2500), s.Due())

	s.Resend()
	require.LessOrEqual(t, s.Due(), at(1501))
	first, _ = s.put(at(1501), false)
	require.EqualValues(t, 1, first)
}

func TestOutgoingAcks(t *testing.T) {
	t.Parallel()
	s := sender{t: t}
	s.say(5)
	s.put(testStart, false)
	require.True(t, s.Ack(0), "nothing yet")
	require.Equal(t, 5, s.Unacked())
	require.True(t, s.Ack(3))
	require.True(t, s.Ack(1), "overtaken")
	require.True(t, s.Ack(3), "repeated")
	require.EqualValues(t, 3, s.Acked())
	for _, n := range []uint32{6, 7, 1 << 31, math.MaxUint32} {
		require.False(t, s.Ack(n), "%d was never sent", n)
	}
	require.EqualValues(t, 3, s.Acked())
	require.Equal(t, 2, s.Unacked())
	first, texts := s.put(testStart, true)
	require.EqualValues(t, 4, first)
	require.Equal(t, []string{"3", "4"}, texts)

	s.Clear()
	require.Zero(t, s.Unacked())
	require.Equal(t, mono.Never, s.Due())
	require.False(t, s.Ack(5))
}

func TestOutgoingIsBounded(t *testing.T) {
	t.Parallel()
	s := sender{t: t}
	s.say(maxUnacked)
	require.False(t, s.Queue(candidate("one too many")))
	first, texts := s.put(testStart, false)
	require.EqualValues(t, 1, first)
	require.Len(t, texts, maxUnacked)
	require.True(t, s.Ack(1))
	s.say(1)
	require.False(t, s.Queue(candidate("one too many")))
}

// signalOf is a signal with reliable messages.
func signalOf(first uint32, texts ...string) *Signal {
	m := new(pb.CMsgSteamNetworkingP2PRendezvous)
	m.FirstReliableMsg = proto.Uint32(first)
	for _, text := range texts {
		m.ReliableMessages = append(m.ReliableMessages, &pb.CMsgSteamNetworkingP2PRendezvous_ReliableMessage{Ice: candidate(text)})
	}
	return &Signal{CMsgSteamNetworkingP2PRendezvous: m}
}

func TestIncomingTakesEachOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		last  uint32
		first uint32
		n     int
		want  []string
	}{
		{"first", 0, 1, 2, []string{"1", "2"}},
		{"next", 2, 3, 1, []string{"3"}},
		{"known ones before", 2, 1, 4, []string{"3", "4"}},
		{"all known", 5, 2, 3, nil},
		{"just known", 3, 1, 3, nil},
		{"gap", 2, 4, 3, nil},
		{"far ahead", 2, math.MaxUint32, 3, nil},
		{"numbered from 0", 0, 0, 3, nil},
		{"not numbered", 2, 0, 1, nil},
		{"empty", 2, 3, 0, nil},
		{"up to the last number", math.MaxUint32 - 2, math.MaxUint32 - 1, 2, []string{fmt.Sprint(uint32(math.MaxUint32 - 1)), fmt.Sprint(uint32(math.MaxUint32))}},
		{"after the last number", math.MaxUint32, 1, 3, nil},
		{"the last number again", math.MaxUint32, math.MaxUint32, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := Incoming{last: test.last}
			var texts []string
			for i := range uint32(test.n) {
				texts = append(texts, fmt.Sprint(test.first+i))
			}
			require.Equal(t, test.want, textsOf(in.Receive(signalOf(test.first, texts...))))
			require.EqualValues(t, int64(test.last)+int64(len(test.want)), in.Last())
		})
	}
}

// The two halves bring everything across, once and in order, whatever the service loses, repeats and reorders.
func TestStreamGetsThrough(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		dice := newDice(seed)
		s := sender{t: t}
		var in Incoming
		var got []string
		type letter struct {
			at  mono.Time
			sig *Signal // to the receiver
			ack uint32  // to the sender, if there is no sig
		}
		var mail []letter
		post := func(now mono.Time, l letter) {
			for range dice.IntN(3) { // none, one or two of it
				l.at = now.Add(time.Duration(dice.IntN(500)) * time.Millisecond)
				mail = append(mail, l)
			}
		}
		for ms := 0; ms < 60_000; ms += 100 {
			now := testStart.Add(time.Duration(ms) * time.Millisecond)
			if ms < 5000 && dice.IntN(2) == 0 && s.Unacked() < maxUnacked {
				s.say(1)
			}
			if s.Due() <= now {
				m := new(pb.CMsgSteamNetworkingP2PRendezvous)
				s.Put(now, false, m)
				post(now, letter{sig: &Signal{CMsgSteamNetworkingP2PRendezvous: m}})
			}
			arrived := mail
			mail = nil
			for _, l := range arrived {
				switch {
				case l.at > now:
					mail = append(mail, l)
				case l.sig == nil:
					require.True(t, s.Ack(l.ack))
				default:
					got = append(got, textsOf(in.Receive(l.sig))...)
					post(now, letter{ack: in.Last()})
				}
			}
		}
		require.NotZero(t, s.said)
		require.Len(t, got, s.said, "seed %d", seed)
		for i, text := range got {
			require.Equal(t, fmt.Sprint(i), text)
		}
		require.Zero(t, s.Unacked())
		require.Equal(t, mono.Never, s.Due())
	}
}
