package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// startHere runs the server in this process.
func startHere(_ *options, address, root string) (*backend, error) {
	s, err := runServer(address, root)
	if err != nil {
		return nil, err
	}
	return &backend{url: s.URL(), stop: s.Close}, nil
}

func TestLoad(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-peers", "200", "-connects", "500", "-parallel", "20"},
		{"-peers", "50", "-connects", "100", "-certificates", "-rate", "1000"},
	} {
		o, err := parseOptions(args)
		require.NoError(t, err)
		var out strings.Builder
		require.NoError(t, measure(t.Context(), o, startHere, &out), out.String())
		t.Log(out.String())
		for _, want := range []string{
			`(?m)^\d+ peers, each with a connection of its own, connected in `,
			`(?m)^\d+ P2P connections, \d+ at a time, of 6 signals each: .* 0 lost$`,
			`(?m)^  a signal takes:     p50 .*, p99 `,
			`(?m)^\d+ signals to nobody, \d+ at a time: the sender is told after p50 `,
			`(?m)^server killed: all \d+ peers have noticed after .* started again: all are back after `,
		} {
			require.Regexp(t, want, out.String())
		}
	}
}

func TestServersThatRunAlreadyAreNotStopped(t *testing.T) {
	t.Parallel()
	s, err := runServer("127.0.0.1:0", "")
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	var out, errors strings.Builder
	args := []string{"-url", s.URL(), "-peers", "2", "-connects", "1"}
	require.Zero(t, run(t.Context(), args, nil, &out, &errors), errors.String())
	require.NotContains(t, out.String(), "killed")
}

func TestServerProcess(t *testing.T) {
	t.Parallel()
	var out, errors strings.Builder
	require.Zero(t, run(t.Context(), []string{"-serve", "127.0.0.1:0"}, strings.NewReader(""), &out, &errors), errors.String())
	require.Regexp(t, `^nats://127.0.0.1:\d+\n$`, out.String())
	require.Equal(t, 1, run(t.Context(), []string{"-serve", "127.0.0.1:0", "-root", "x"}, nil, &out, &errors))
	require.Contains(t, errors.String(), "key of the authority")
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-peers 1", "-connects 0", "-rate NaN", "more", "-x", "-certificates -url nats://x"} {
		var out, errors strings.Builder
		require.Equal(t, 2, run(t.Context(), strings.Fields(args), nil, &out, &errors), args)
		require.Contains(t, errors.String(), "Run 'natsload -h' for usage.")
	}
	var out, errors strings.Builder
	require.Zero(t, run(t.Context(), []string{"-h"}, nil, &out, &errors))
	require.Equal(t, usageText, out.String())
}
