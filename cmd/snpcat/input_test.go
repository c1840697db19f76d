package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// drain reads a source to its end. Lines that make no message appear as errors.
func drain(t *testing.T, s source) (got []string) {
	t.Helper()
	for {
		b, err := s.next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if bad := (*lineError)(nil); errors.As(err, &bad) {
			got = append(got, "! "+bad.Error())
			continue
		}
		require.NoError(t, err)
		got = append(got, string(b))
	}
}

func TestLineSource(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000) // more than the reader's buffer
	tooLong := "! standard input, line 2: longer than 5 bytes, the most that a message can have"
	for _, tc := range []struct {
		name, input string
		limit       int
		want        []string
	}{
		{"empty", "", 5, nil},
		{"one", "a\n", 5, []string{"a"}},
		{"no end", "a\nb", 5, []string{"a", "b"}},
		{"empty lines", "\n\r\n\n", 5, []string{"", "", ""}},
		{"carriage returns", "a\r\nb\rc\nd\r\r\n", 5, []string{"a", "b\rc", "d\r"}},
		{"carriage return at the end", "a\r", 5, []string{"a\r"}},
		{"as long as may be", "1\n12345\r\n3", 5, []string{"1", "12345", "3"}},
		{"too long", "1\n123456\n3\n", 5, []string{"1", tooLong, "3"}},
		{"too long without end", "1\n123456", 5, []string{"1", tooLong}},
		{"much too long", "1\n" + long + "\n3", 5, []string{"1", tooLong, "3"}},
		{"long", long + "\nb\n" + long, 100_000, []string{long, "b", long}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, drain(t, newLineSource(strings.NewReader(tc.input), tc.limit)))
			require.Equal(t, tc.want, drain(t, newLineSource(iotest.HalfReader(strings.NewReader(tc.input)), tc.limit)))
			require.Equal(t, tc.want, drain(t, newLineSource(iotest.DataErrReader(strings.NewReader(tc.input)), tc.limit)))
		})
	}
}

func TestHexSource(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"\x00\xff", "", "abc",
		"! standard input, line 4: not pairs of hexadecimal digits",
		"! standard input, line 5: more than 3 bytes, the most that a message can have",
		"! standard input, line 6: more than 3 bytes, the most that a message can have",
		"z",
	}, drain(t, newHexSource(strings.NewReader("00fF\n\n61 62\t63\n6\n00000000\n"+strings.Repeat("00", 1000)+"\n7a"), 3)))
}

func TestChunkSource(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"abc", "def", "g"}, drain(t, newChunkSource(strings.NewReader("abcdefg"), 3)))
	require.Equal(t, []string{"a", "b"}, drain(t, newChunkSource(iotest.OneByteReader(strings.NewReader("ab")), 3)))
	require.Equal(t, []string{"ab"}, drain(t, newChunkSource(iotest.DataErrReader(strings.NewReader("ab")), 3)))
}

func TestSourceReportsFailures(t *testing.T) {
	t.Parallel()
	bad := errors.New("bad sector")
	for _, s := range []source{
		newLineSource(iotest.ErrReader(bad), 5), newHexSource(iotest.ErrReader(bad), 5), newChunkSource(iotest.ErrReader(bad), 5),
	} {
		_, err := s.next()
		require.ErrorIs(t, err, bad)
	}
	_, err := newChunkSource(stuck{}, 5).next()
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// stuck is a reader that reads nothing.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestSizesOfChunks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		unreliable    bool
		limit, packet int
		want          int
	}{
		{false, 524288, 1200, 65536},
		{false, 1 << 20, 1200, 65536},
		{false, 4096, 1200, 4096},
		{true, 524288, 1200, 1100},
		{true, 524288, 100, 100},
	} {
		s := newSource(&options{raw: true, unreliable: tc.unreliable}, strings.NewReader(""), tc.limit, tc.packet)
		require.Len(t, s.(*chunkSource).buf, tc.want)
	}
}
