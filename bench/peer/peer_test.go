package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/internal/measure"
)

func TestReceiverCountsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := &Result{}
	v := NewReceiver(Bulk, r)
	first, second := v.Add(), v.Add()
	data := make([]byte, 100)
	for _, m := range []struct {
		conn int
		seq  uint64
		bad  bool
	}{{first, 0, false}, {second, 0, false}, {first, 1, true}, {first, 3, false}} {
		measure.Fill(data, m.seq)
		if m.bad {
			data[50]++
		}
		require.False(t, v.Take(m.conn, data, true), "nothing is sent back")
	}
	require.False(t, v.Over(0))
	v.Take(first, measure.EndMessage(9), true)
	require.True(t, v.Over(0))
	require.False(t, v.Over(1), "a connection is left, and it has time to go")
	v.Report()
	require.EqualValues(t, 4, r.Messages)
	require.EqualValues(t, 400, r.Bytes)
	require.EqualValues(t, 1, r.Bad)
	require.EqualValues(t, 1, r.OrderErr)
	require.EqualValues(t, 9, r.Sent)
	require.Equal(t, 2, r.Conns)
}

func TestReceiverOfAFanoutCountsTheWindow(t *testing.T) {
	t.Parallel()
	r := &Result{}
	v := NewReceiver(Fanout, r)
	conn := v.Add()
	data := make([]byte, 100)
	for seq, counts := range []bool{false, true, false, true, false} { // connections overtake each other
		measure.Stamp(data, uint64(seq), 1, counts)
		require.True(t, v.Take(conn, data, false))
	}
	v.Report()
	require.EqualValues(t, 2, r.Messages)
	require.Zero(t, r.Bad)
}

func TestSpreadIsEven(t *testing.T) {
	t.Parallel()
	o := &Options{Conns: 4, Hz: 10, Size: 40, Duration: 500 * time.Millisecond}
	r := &Result{}
	s := NewSpread(o, r)
	data := make([]byte, o.Size)
	number := 0
	for due, more := s.Due(); more; due, more = s.Due() {
		require.Equal(t, time.Duration(number)*25*time.Millisecond, due.Sub(s.origin))
		require.Equal(t, number%4, s.Next(data))
		require.EqualValues(t, number/4, measure.Word(data, 0))
		if measure.Word(data, measure.WindowWord) == 1 {
			require.False(t, s.Complete())
			s.Take(number%4, data, false)
			require.True(t, s.Complete())
		}
		number++
	}
	require.Equal(t, 72, number, "1.8 s with warming up and cooling down")
	s.Report()
	require.EqualValues(t, 20, r.Messages)
	require.EqualValues(t, 20, r.Received)
	require.NotNil(t, r.Latency)
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := Parse(strings.Fields("-w w1 -connect 127.0.0.1:5 -rate 40m -config A=1 -config B=2"))
	require.NoError(t, err)
	require.Equal(t, 40<<20, o.Rate)
	require.Equal(t, 16<<10, o.Size)
	require.Equal(t, []string{"A=1", "B=2"}, o.Config)
	for _, args := range []string{"", "-w w9 -connect 127.0.0.1:5", "-w w1", "-w w1 -connect 127.0.0.1:5 -serve 127.0.0.1:5",
		"-w w1 -connect 127.0.0.1:5 more", "-w w1 -connect 127.0.0.1:5 -size 5", "-w w1 -connect nowhere", "-w w1 -connect 127.0.0.1:5 -rate x"} {
		_, err := Parse(strings.Fields(args))
		require.Error(t, err, args)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"1000": 1000, "512k": 512 << 10, "70m": 70 << 20} {
		got, err := ParseRate(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "m", "1.5m", "-1", "0", "3000m"} {
		_, err := ParseRate(text)
		require.Error(t, err, text)
	}
}

type fakeEngine struct{ err error }

func (f fakeEngine) Serve(_ context.Context, _ *Options, r *Result, listening func(netip.AddrPort)) error {
	listening(netip.MustParseAddrPort("127.0.0.1:77"))
	r.Messages = 3
	return f.err
}

func (f fakeEngine) Connect(context.Context, *Options, *Result) error { return f.err }

func TestRunPrintsTheAddressAndTheResult(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, Run(t.Context(), "fake", fakeEngine{}, strings.Fields("-w w1 -serve 127.0.0.1:0"), &out))
	address, result, _ := strings.Cut(out.String(), "\n")
	require.Equal(t, `{"listening":"127.0.0.1:77"}`, address)
	var r Result
	require.NoError(t, json.Unmarshal([]byte(result), &r))
	require.Equal(t, "server", r.Role)
	require.Equal(t, "fake", r.Engine)
	require.EqualValues(t, 3, r.Messages)

	out.Reset()
	broken := errors.New("broken")
	require.ErrorIs(t, Run(t.Context(), "fake", fakeEngine{broken}, strings.Fields("-w w1 -connect 127.0.0.1:7"), &out), broken)
	require.Empty(t, out.String())
}
