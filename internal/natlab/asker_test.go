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
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The asker asks a reflector with one socket where it seems to be, for every line that it reads, and prints the answer. The line says how
// often it asks until there is one.

type askerArgs struct{ Server netip.AddrPort }

// How often is asked where nobody is to answer, and where somebody is, who may have to wait for the processor.
const (
	triesInVain = 2
	triesAtMost = int(patience / probeTry / 2)
)

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
	lines := bufio.NewScanner(os.Stdin)
	for number := 0; lines.Scan(); number++ {
		tries, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		answer := "none"
		_ = p.try(tries, args.Server, fmt.Sprint("who ", number), func(text string) (done bool) { // no answer is an answer
			addr, to, _ := strings.Cut(text, " ")
			if done = to == strconv.Itoa(number); done { // and not to an earlier request, which was repeated
				answer = addr
			}
			return done
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

// ask returns the address that the reflector sees.
func (a *asker) ask(t *testing.T) netip.AddrPort {
	t.Helper()
	return a.try(t, triesAtMost)
}

// wantNoAnswer asks a reflector that is out of reach.
func (a *asker) wantNoAnswer(t *testing.T, why ...any) {
	t.Helper()
	require.False(t, a.try(t, triesInVain).IsValid(), why...)
}

// try returns the zero address if there is no answer.
func (a *asker) try(t *testing.T, tries int) netip.AddrPort {
	t.Helper()
	_, err := fmt.Fprintln(a.stdin, tries)
	require.NoError(t, err)
	answer, err := netip.ParseAddrPort(await(t, a.lines, "the asker", a.log))
	if err != nil {
		return netip.AddrPort{}
	}
	return answer
}
