package sim

import (
	"testing"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

// The receiver's judgment is what every scenario stands on, so it is shown what it must object to.
func TestJudgment(t *testing.T) {
	t.Parallel()
	plan := &endPlan{priorities: []int{0, 0}, bursts: 1, sizes: sizes{most: 100, large: 1, reliable: 0.5, mostUnreliable: 100}}
	from := newSender(4, plan, start, time.Second)
	from.counts = []int64{40, 40}
	message := func(lane int, number int64) conn.Message {
		size, reliable := from.message(lane, number)
		data := make([]byte, size)
		from.fill(data, lane, number)
		return conn.Message{Message: &snp.Message{Lane: lane, Number: number, Reliable: reliable, Data: data}}
	}
	var reliable, unreliable []int64 // of lane 1, none of them empty
	for n := int64(1); n <= 40; n++ {
		size, isReliable := from.message(1, n)
		switch {
		case isReliable:
			reliable = append(reliable, n)
			if len(reliable) == 1 {
				require.NotZero(t, size, "choose another seed")
			}
		case size > 0:
			unreliable = append(unreliable, n)
		}
	}
	first, second, loose := message(1, reliable[0]), message(1, reliable[1]), message(1, unreliable[0])
	altered := func(m conn.Message, change func(*snp.Message)) conn.Message {
		c := *m.Message
		c.Data = append([]byte(nil), c.Data...)
		change(&c)
		return conn.Message{Message: &c}
	}

	tests := []struct {
		name     string
		messages []conn.Message
		fault    string // of the last message; the others are fine
	}{
		{"in order", []conn.Message{first, second}, ""},
		{"unreliable at any time", []conn.Message{first, second, loose}, ""},
		{"twice", []conn.Message{first, first}, "came after"},
		{"out of order", []conn.Message{first, second, first}, "came after"},
		{"one missing", []conn.Message{second}, "came before"},
		{"unreliable twice", []conn.Message{loose, loose}, "came twice"},
		{"never sent", []conn.Message{altered(first, func(m *snp.Message) { m.Number = 41 })}, "never sent"},
		{"number zero", []conn.Message{altered(first, func(m *snp.Message) { m.Number = 0 })}, "never sent"},
		{"unknown lane", []conn.Message{altered(first, func(m *snp.Message) { m.Lane = 2 })}, "never sent"},
		{"first bit", []conn.Message{altered(first, func(m *snp.Message) { m.Data[0] ^= 1 })}, "contents"},
		{"last bit", []conn.Message{altered(first, func(m *snp.Message) { m.Data[len(m.Data)-1] ^= 0x80 })}, "contents"},
		{"short", []conn.Message{altered(first, func(m *snp.Message) { m.Data = m.Data[1:] })}, "bytes"},
		{"wrong kind", []conn.Message{altered(loose, func(m *snp.Message) { m.Reliable = true })}, "reliable true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(from)
			last := len(tt.messages) - 1
			for _, m := range tt.messages[:last] {
				require.NoError(t, r.judge(m))
			}
			err := r.judge(tt.messages[last])
			if tt.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.fault)
		})
	}
}
