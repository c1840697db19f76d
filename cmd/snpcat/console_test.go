package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatusLineStaysBelowOtherLines(t *testing.T) {
	t.Parallel()
	var screen strings.Builder
	c := &console{live: true, w: &screen}
	c.setStatus("12%")
	c.printf("hello %d", 1)
	c.setStatus("100%")
	c.setStatus("")
	c.printf("bye")
	require.Equal(t, "12%"+"\r   \r"+"hello 1\n"+"12%"+"\r   \r"+"100%"+"\r    \r"+"bye\n", screen.String())
}

func TestStatusIsLinesWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	var screen strings.Builder
	c := newConsole(&screen)
	c.setStatus("12%")
	c.setStatus("")
	c.printf("bye")
	require.Equal(t, "12%\nbye\n", screen.String())
}

func TestOnlyTerminalsAreTerminals(t *testing.T) {
	t.Parallel()
	require.False(t, isTerminal(&strings.Builder{}))
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, null.Close()) }()
	require.False(t, isTerminal(null))
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	require.False(t, isTerminal(file))
}

func TestVisible(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a\tb\ufffdc\ufffdd é\ufffd", visible("a\tb\nc\x1bd é\xff", "\t"))
	require.Equal(t, "a\ufffdb\nc\ufffd", visible("a\tb\nc\u009b", "\n"))
}

func TestSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 KB", 999_949: "999.9 KB", 999_950: "1.0 MB", 123_456_789: "123.5 MB", 5e9: "5.00 GB",
	} {
		require.Equal(t, want, size(n))
	}
}

func TestRateIsTakenOverASecond(t *testing.T) {
	t.Parallel()
	r := newRate(rateSpan / 4)
	require.Equal(t, 400.0, r.next(100))
	require.Equal(t, 400.0, r.next(200))
	require.Equal(t, 400.0, r.next(300))
	require.Equal(t, 400.0, r.next(400))
	require.Equal(t, 300.0, r.next(400))
	for range 3 {
		r.next(400)
	}
	require.Equal(t, 0.0, r.next(400))
}
