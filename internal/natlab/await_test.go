//go:build linux

package natlab

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long anything may take that has no limit of its own.
const patience = 2 * time.Minute

// await returns what comes, and ends the test if nothing does.
func await[T any](t testing.TB, c <-chan T, what string, log fmt.Stringer) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("waiting for %s: ended\n%s", what, log)
		}
		return v
	case <-time.After(patience):
		t.Fatalf("waiting for %s: %v have passed\n%s", what, patience, log)
	}
	panic("unreachable")
}

// scanFor sends the first line that contains a text, closes the channel when there are no more lines, and puts all others into log.
func scanFor(r io.Reader, text string, found chan<- string, log io.Writer) {
	defer close(found)
	done := false
	for scanner := bufio.NewScanner(r); scanner.Scan(); {
		if line := scanner.Text(); !done && strings.Contains(line, text) {
			found <- line
			done = true
		} else {
			_, _ = fmt.Fprintln(log, line) // it cannot fail
		}
	}
}

// logBuffer is a buffer that several may use, and that keeps the end of what it gets.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxLog = 1 << 20

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > maxLog {
		b.buf.Next(maxLog / 2)
	}
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// readLines sends every line, and closes the channel when there are no more.
func readLines(r io.Reader) <-chan string {
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}
