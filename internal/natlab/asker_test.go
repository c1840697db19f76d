//go:build linux

package natlab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The asker asks a reflector with one socket where it seems to be, for every line that it reads, and prints the answer.

type askerArgs struct{ Server netip.AddrPort }

// askerTries is after how many requests without an answer there is none. There is nothing that is slow.
const askerTries = 2

func runAsker(encoded []byte) error {
	var args askerArgs
	if err := json.Unmarshal(encoded, &args); err != nil {
		return err
	}
	p, err := newProber()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer := "none"
		_ = p.try(askerTries, args.Server, "who", func(text string) (done bool) { // no answer is an answer
			answer = text
			return true
		})
		fmt.Println(answer)
	}
	return nil
}

type asker struct {
	stdin io.Writer
	lines <-chan string
	log   *logBuffer
}

func startAsker(t *testing.T, h *Host, server netip.AddrPort) *asker {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := program(ctx, t, h, "asker", askerArgs{Server: server})
	a := &asker{log: new(logBuffer)}
	cmd.Stderr = a.log
	var err error
	a.stdin, err = cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it has been killed
	})
	a.lines = readLines(stdout)
	require.Equal(t, "ready", await(t, a.lines, "the asker", a.log))
	return a
}

// ask returns the address that the reflector sees, the zero one if it does not answer.
func (a *asker) ask(t *testing.T) netip.AddrPort {
	t.Helper()
	_, err := io.WriteString(a.stdin, "\n")
	require.NoError(t, err)
	answer, err := netip.ParseAddrPort(await(t, a.lines, "the asker", a.log))
	if err != nil {
		return netip.AddrPort{}
	}
	return answer
}
