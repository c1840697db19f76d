package rendezvous

import (
	"fmt"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// FuzzSignal parses signals. What parses has a sender that can be answered, stays the same when it is sent on, and
// can be given to the reliable stream.
func FuzzSignal(f *testing.F) {
	for _, session := range recordings(f) {
		for _, s := range session.Signals {
			f.Add([]byte(s.Hex))
		}
	}
	f.Add(marshaled(f, Rejection(crypto.GenericString("alice"), 1, crypto.GenericString("bob"), 2, 3, "text")))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			require.Nil(t, s)
			return
		}
		require.LessOrEqual(t, len(b), MaxSignal)
		require.True(t, s.From.IsValid())
		require.NotZero(t, s.GetFromConnectionId())
		again, err := Append(nil, s.CMsgSteamNetworkingP2PRendezvous)
		require.NoError(t, err)
		if len(again) <= MaxSignal { // numbers that took more bytes than they need take fewer now, but absent ones were packed
			s2, err := Parse(again)
			require.NoError(t, err)
			require.True(t, proto.Equal(s.CMsgSteamNetworkingP2PRendezvous, s2.CMsgSteamNetworkingP2PRendezvous))
			require.Equal(t, s.From, s2.From)
			third, err := Append(nil, s2.CMsgSteamNetworkingP2PRendezvous)
			require.NoError(t, err)
			require.Equal(t, again, third)
		}
		in := Incoming{last: 3}
		got := in.Receive(s)
		require.LessOrEqual(t, len(got), len(s.ReliableMessages))
		require.EqualValues(t, 3+len(got), in.Last())
		require.Empty(t, in.Receive(s), "all are known now")
		var out Outgoing
		if s.AckReliableMsg != nil {
			require.Equal(t, s.GetAckReliableMsg() == 0, out.Ack(s.GetAckReliableMsg()))
		}
	})
}

// naiveStream is the sending half in the plainest way: everything that was ever said is kept.
type naiveStream struct {
	texts   []string
	retryAt []mono.Time
	acked   int
}

func (n *naiveStream) put(now mono.Time, all bool) (first int, texts []string) {
	from := n.acked
	if !all {
		for from < len(n.texts) && n.retryAt[from] > now {
			from++
		}
	}
	for i := from; i < len(n.texts); i++ {
		n.retryAt[i] = now.Add(RetryInterval)
	}
	if from == len(n.texts) {
		return 0, nil
	}
	return from + 1, append(texts, n.texts[from:]...)
}

func (n *naiveStream) due() mono.Time {
	due := mono.Never
	for _, at := range n.retryAt[n.acked:] {
		due = mono.Min(due, at)
	}
	return due
}

// FuzzStream makes bytes operations on both halves of a stream and compares them with naive ones.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 1, 8, 2, 3, 200, 4, 0, 5})
	f.Add([]byte{0, 0, 0, 1, 3, 250, 0, 2, 4, 0, 4, 1, 5, 2, 6, 7, 255})
	f.Add([]byte{0, 1, 0, 1, 4, 1, 4, 0, 5, 1, 3, 255, 3, 255, 3, 255, 3, 255, 1, 4, 2})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var (
			out   Outgoing
			naive naiveStream
			in    Incoming
			got   []string
			sent  []*Signal
			now   = testStart
		)
		next := func() byte {
			if len(ops) == 0 {
				return 0
			}
			b := ops[0]
			ops = ops[1:]
			return b
		}
		for steps := 0; len(ops) > 0 && steps < 1000; steps++ {
			switch next() % 8 {
			case 0:
				text := fmt.Sprint(len(naive.texts))
				room := len(naive.texts)-naive.acked < maxUnacked
				require.Equal(t, room, out.Queue(candidate(text)))
				if room {
					naive.texts, naive.retryAt = append(naive.texts, text), append(naive.retryAt, 0)
				}
			case 1, 2:
				all := next()%2 == 0
				m := new(pb.CMsgSteamNetworkingP2PRendezvous)
				out.Put(now, all, m)
				first, texts := naive.put(now, all)
				require.EqualValues(t, first, m.GetFirstReliableMsg())
				require.Equal(t, texts, textsOf(m.ReliableMessages))
				sent = append(sent, &Signal{CMsgSteamNetworkingP2PRendezvous: m})
			case 3:
				now = now.Add(time.Duration(next()) * 10 * time.Millisecond)
			case 4: // any signal that was ever sent arrives
				if len(sent) > 0 {
					got = append(got, textsOf(in.Receive(sent[int(next())%len(sent)]))...)
				}
			case 5: // any ack
				n := int(next())
				ok := out.Ack(uint32(n))
				require.Equal(t, n <= len(naive.texts), ok)
				if ok {
					naive.acked = max(naive.acked, n)
				}
			case 6: // the real one
				require.True(t, out.Ack(in.Last()))
				naive.acked = max(naive.acked, int(in.Last()))
			case 7:
				out.Resend()
				for i := range naive.retryAt {
					naive.retryAt[i] = 0
				}
			}
			require.Equal(t, naive.due(), out.Due())
			require.EqualValues(t, naive.acked, out.Acked())
			require.Equal(t, len(naive.texts)-naive.acked, out.Unacked())
			require.EqualValues(t, len(got), in.Last())
		}
		for i, text := range got {
			require.Equal(t, naive.texts[i], text)
		}
	})
}
