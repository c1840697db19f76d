package peer

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	transcriptLines = 250 // the latest are kept
	transcriptWidth = 240 // bytes of a line
)

// transcript keeps the last lines that went to and came from a process.
type transcript struct {
	mu      sync.Mutex
	start   time.Time
	lines   []string
	dropped int
}

// add appends a line. direction is ">" for commands, "<" for events, "|" for the library's log and
// "*" for what the test did to the process.
func (t *transcript) add(direction, line string) {
	if len(line) > transcriptWidth {
		line = fmt.Sprintf("%s… (%d bytes)", line[:transcriptWidth], len(line))
	}
	line = fmt.Sprintf("%10.6f %s %s", time.Since(t.start).Seconds(), direction, line)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) >= 2*transcriptLines {
		t.dropped += len(t.lines) - transcriptLines
		t.lines = append(t.lines[:0], t.lines[len(t.lines)-transcriptLines:]...)
	}
	t.lines = append(t.lines, line)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines, dropped := t.lines, t.dropped
	if len(lines) > transcriptLines {
		dropped += len(lines) - transcriptLines
		lines = lines[len(lines)-transcriptLines:]
	}
	head := ""
	if dropped > 0 {
		head = fmt.Sprintf("(%d earlier lines left out)\n", dropped)
	}
	return head + strings.Join(lines, "\n")
}
