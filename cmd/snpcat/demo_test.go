package main

import (
	"context"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := finished(t, "", "demo", "-duration", "2s")
	require.Equal(t, exitOK, status, stderr)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "10% of packets lost, 40ms lag, 10% overtaken, 5% doubled, each way.")
	require.Regexp(t, ` s  ping +\d+ ms  positions \d+/\d+  orders \d+/\d+  file .*B/.*B\n`, stdout)
	require.NotContains(t, stdout, "\x1b", "cursor control without a terminal")
	require.Regexp(t, `\npositions: \d+ of \d+ lost \(\d+\.\d%\), \d+ overtaken: the network as it was.
orders:    all \d+ messages arrived once, in order, unchanged.
file:      all .*B in \d+ messages arrived once, in order, unchanged.
ok\n$`, stdout)
	require.NotRegexp(t, `(?m)^.{81}`, stdout, "too wide")
}

func TestDemoOnAPerfectNetworkLosesNothing(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := finished(t, "", "demo", "-duration", "500ms", "-loss", "0", "-lag", "0", "-reorder", "0", "-dup", "0")
	require.Equal(t, exitOK, status, stderr)
	require.Contains(t, stdout, "ok\n")
}

func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr strings.Builder
	cancel()
	require.Equal(t, exitFailed, run(ctx, []string{"demo", "-loss", "100"}, nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), "demo: interrupted")
}

// sentStream is a stream of which n messages were sent.
func sentStream(k *kind, n int) (s *stream, messages [][]byte) {
	s = &stream{kind: k, id: 7}
	for i := range n {
		m := s.appendMessage(nil, int64(i))
		s.sent.add(len(m))
		messages = append(messages, m)
	}
	return s, messages
}

func TestDemoNoticesEveryBreachOfReliability(t *testing.T) {
	t.Parallel()
	orders := &kinds[1]
	for _, tc := range []struct {
		name    string
		arrive  []int // numbers of the messages that arrive; negative: one that nobody sent
		verdict string
	}{
		{"all in order", []int{0, 1, 2}, ""},
		{"one missing at the end", []int{0, 1}, "3 sent, 2 arrived"},
		{"one missing in the middle", []int{0, 2}, "3 sent, 2 arrived"},
		{"overtaken", []int{0, 2, 1}, "1 of them out of order"},
		{"twice", []int{0, 1, 1, 2}, "1 arrived again"},
		{"forged", []int{0, 1, 2, -1}, "1 were not what was sent"},
	} {
		s, messages := sentStream(orders, 3)
		for _, n := range tc.arrive {
			if n < 0 {
				s.receive([]byte("forged"))
				continue
			}
			s.receive(messages[n])
		}
		err := s.verdict("somewhere")
		if tc.verdict == "" {
			require.NoError(t, err, tc.name)
			continue
		}
		require.ErrorContains(t, err, tc.verdict, tc.name)
	}
}

func TestDemoComparesEveryByte(t *testing.T) {
	t.Parallel()
	for k := range kinds {
		s, messages := sentStream(&kinds[k], 1)
		flipped := 0
		for i := 0; i < len(messages[0]); i += 1 + len(messages[0])/200 {
			messages[0][i] ^= 1
			s.receive(messages[0])
			messages[0][i] ^= 1
			flipped++
		}
		s.receive(append(messages[0], 0))
		s.receive(messages[0][:len(messages[0])-1])
		require.Equal(t, flipped+2, s.tally().wrong, kinds[k].name)
		require.ErrorContains(t, s.verdict("somewhere"), "were not what was sent")
	}
}

func TestDemoForgivesUnreliableLoss(t *testing.T) {
	t.Parallel()
	s, messages := sentStream(&kinds[0], 4)
	s.receive(messages[2])
	s.receive(messages[0])
	require.NoError(t, s.verdict("somewhere"))
	require.Equal(t, 1, s.tally().overtaken)
	require.Equal(t, 1, s.tally().missing, "below the latest that arrived")
}

func TestDemoNoticesStrangeMessages(t *testing.T) {
	t.Parallel()
	d := newDirection(1)
	d.receive(&gns.Message{Lane: 0, Flags: gns.SendReliable})
	d.receive(&gns.Message{Lane: 2, Flags: gns.SendReliable}) // no file comes back
	d.receive(&gns.Message{Lane: 9})
	require.Equal(t, int64(3), d.strange.Load())
}
