package traffic

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessagesFollowFromTheSeed(t *testing.T) {
	t.Parallel()
	sizes := Sizes{Most: 5000, Large: 0.5, Reliable: 0.5, MostUnreliable: 1000}
	a, b, other := NewStream(1, sizes), NewStream(1, sizes), NewStream(2, sizes)
	differ, reliable, large := 0, 0, 0
	const count = 1000
	for number := int64(1); number <= count; number++ {
		size, isReliable := a.Message(3, number)
		sizeB, reliableB := b.Message(3, number)
		require.Equal(t, size, sizeB)
		require.Equal(t, isReliable, reliableB)
		require.LessOrEqual(t, size, 5000)
		require.True(t, isReliable || size <= 1000)
		if otherSize, _ := other.Message(3, number); otherSize != size {
			differ++
		}
		if laneSize, _ := a.Message(4, number); laneSize != size {
			differ++
		}
		if isReliable {
			reliable++
		}
		if size >= 200 {
			large++
		}
		data, dataB := make([]byte, size), make([]byte, size)
		a.Fill(data, 3, number)
		b.Fill(dataB, 3, number)
		require.Equal(t, data, dataB)
		require.True(t, a.Intact(data, 3, number))
		if size >= 8 {
			require.False(t, a.Intact(data, 3, number+1))
			require.False(t, a.Intact(data, 2, number))
			require.False(t, other.Intact(data, 3, number))
		}
	}
	require.Greater(t, differ, 2*count*9/10)
	require.InDelta(t, 0.5+0.5*0.5*0.8, float64(reliable)/count, 0.05)
	require.InDelta(t, 0.5, float64(large)/count, 0.05)
}

// The judgment is what random tests stand on, so it is shown what it must object to.
func TestJudgment(t *testing.T) {
	t.Parallel()
	stream := NewStream(4, Sizes{Most: 100, Large: 1, Reliable: 0.5, MostUnreliable: 100})
	const lanes, sent = 2, 40
	message := func(lane int, number int64) Arrival {
		size, reliable := stream.Message(lane, number)
		m := Arrival{lane, number, reliable, make([]byte, size)}
		stream.Fill(m.Data, lane, number)
		return m
	}
	var reliable, unreliable []int64 // of lane 1, none of them empty
	for n := int64(1); n <= sent; n++ {
		size, isReliable := stream.Message(1, n)
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
	altered := func(m Arrival, change func(*Arrival)) Arrival {
		m.Data = bytes.Clone(m.Data)
		change(&m)
		return m
	}

	tests := []struct {
		name     string
		messages []Arrival
		fault    string // of the last message; the others are fine
	}{
		{"in order", []Arrival{first, second}, ""},
		{"unreliable at any time", []Arrival{first, second, loose}, ""},
		{"twice", []Arrival{first, first}, "came after"},
		{"out of order", []Arrival{first, second, first}, "came after"},
		{"one missing", []Arrival{second}, "came before"},
		{"unreliable twice", []Arrival{loose, loose}, "came twice"},
		{"never sent", []Arrival{altered(first, func(m *Arrival) { m.Number = sent + 1 })}, "never sent"},
		{"number zero", []Arrival{altered(first, func(m *Arrival) { m.Number = 0 })}, "never sent"},
		{"unknown lane", []Arrival{altered(first, func(m *Arrival) { m.Lane = lanes })}, "never sent"},
		{"first bit", []Arrival{altered(first, func(m *Arrival) { m.Data[0] ^= 1 })}, "contents"},
		{"last bit", []Arrival{altered(first, func(m *Arrival) { m.Data[len(m.Data)-1] ^= 0x80 })}, "contents"},
		{"short", []Arrival{altered(first, func(m *Arrival) { m.Data = m.Data[1:] })}, "bytes"},
		{"wrong kind", []Arrival{altered(loose, func(m *Arrival) { m.Reliable = true })}, "reliable true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			j := NewJudge(stream, lanes)
			for range sent {
				j.Sent(0)
				j.Sent(1)
			}
			last := len(tt.messages) - 1
			for _, m := range tt.messages[:last] {
				require.NoError(t, j.Arrived(m))
			}
			err := j.Arrived(tt.messages[last])
			if tt.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.fault)
		})
	}
}

func TestJudgeCountsWhatIsMissing(t *testing.T) {
	t.Parallel()
	j := NewJudge(NewStream(1, Sizes{Most: 50, Large: 1, Reliable: 0.5, MostUnreliable: 50}), 1)
	var reliable, unreliable, size int
	for range 100 {
		number, n, isReliable := j.Next(0)
		missing := j.Missing()
		j.Sent(0)
		j.Unsent(0)
		require.Equal(t, missing, j.Missing())
		data := make([]byte, n)
		j.Fill(data, 0)
		j.Sent(0)
		if isReliable {
			reliable++
			size += n
			require.Equal(t, 1, j.Missing())
		} else {
			unreliable++
			require.Zero(t, j.Missing())
		}
		require.NoError(t, j.Arrived(Arrival{0, number, isReliable, data}))
		require.Zero(t, j.Missing())
	}
	messages, bytes := j.ReliableSent()
	require.Equal(t, []int{reliable, size, unreliable}, []int{messages, bytes, j.Unreliable()})
}
