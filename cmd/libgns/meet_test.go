//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSignalingObjects has peers meet whose signals go through objects of the application's.
func TestSignalingObjects(t *testing.T) {
	file := program(t, "testdata/meet.cc")
	for _, with := range []string{"objects", "functions"} {
		for _, roles := range [][2]string{{"call", "answer"}, {"callInVain", "reject"}, {"callNobody", "ignore"}, {"talkInVain", "hear"}} {
			t.Run(with+" "+roles[1], func(t *testing.T) {
				t.Parallel()
				meet(t, file, roles, with)
			})
		}
	}
}

// side is one of two programs that meet.
type side struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	errs bytes.Buffer
	done chan struct{} // it has said that it is done
}

// meet runs both sides, and carries signals until both are done.
func meet(t *testing.T, file string, roles [2]string, with string) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var sides [2]*side
	for i, role := range roles {
		s := &side{cmd: watched(ctx, file, role, with), done: make(chan struct{})}
		s.cmd.Stderr = &s.errs
		in, err := s.cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		s.in, s.out = in, bufio.NewScanner(out)
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sides[i] = s
	}
	var carriers sync.WaitGroup
	for i, s := range sides {
		carriers.Go(func() {
			said := sync.OnceFunc(func() { close(s.done) })
			defer said()
			for s.out.Scan() {
				if signal, ok := strings.CutPrefix(s.out.Text(), "signal "); ok {
					_, _ = io.WriteString(sides[1-i].in, signal+"\n") // it may have ended, as peers do
				} else if s.out.Text() == "done" {
					said()
				}
			}
		})
	}
	for _, s := range sides {
		<-s.done
	}
	for _, s := range sides {
		_ = s.in.Close()
	}
	carriers.Wait()
	for i, s := range sides {
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", roles[i], err, s.errs.String())
		}
	}
}
