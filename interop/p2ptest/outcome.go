package p2ptest

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Outcome is what a peer that has ended told of its connection, the last if there were several.
type Outcome struct {
	Route  string // "local", "udp" or "relay"; empty: none was told
	Remote string // address of the peer
	// Counters are Valve's, of packets of ICE.
	Counters map[string]int
	// Gathered and Received are how many candidates of each type the peer had itself, and got from the other. Of peers of
	// ours they are what the log says as well.
	Gathered, Received map[string]int
}

var (
	routeLine     = regexp.MustCompile(`TEST ROUTE: addr=(.*) type=(\w+)`)
	counterLine   = regexp.MustCompile(`TEST_ICE_ctr_(\w+)=(\d+)`)
	candidateType = regexp.MustCompile(`\btyp (\w+)`)
)

// Outcome waits for the end of the peer, which must come within d with the exit status of success.
func (p *Peer) Outcome(d time.Duration) Outcome {
	p.t.Helper()
	if err := p.WaitExit(d); err != nil {
		p.t.Errorf("%s: %v", p.name, err)
	}
	lines := p.Lines()
	o := Outcome{Counters: map[string]int{}, Gathered: map[string]int{}, Received: map[string]int{}}
	for _, line := range lines {
		if m := routeLine.FindStringSubmatch(line); m != nil {
			o.Remote, o.Route = m[1], m[2]
		}
		if m := counterLine.FindStringSubmatch(line); m != nil {
			o.Counters[m[1]], _ = strconv.Atoi(m[2])
		}
	}
	if p.log != "" {
		text, err := os.ReadFile(p.log)
		if err != nil {
			p.t.Errorf("%s: %v", p.name, err)
		}
		lines = strings.Split(string(text), "\n")
	}
	for _, line := range lines {
		m := candidateType.FindStringSubmatch(line)
		switch {
		case m == nil:
		case strings.Contains(line, "LocalCandidateAdded"):
			o.Gathered[m[1]]++
		case strings.Contains(line, "Got remote candidate"):
			o.Received[m[1]]++
		}
	}
	return o
}

// Log returns the detailed log of Valve's program so far.
func (p *Peer) Log() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}
