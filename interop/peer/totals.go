package peer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Both libraries tell their counters only in a text for people. What is not found counts as 0, because
// lines about nothing may be left out.

var (
	valveCounts = regexp.MustCompile(`(?m)^\s*(Sent|Recv|Dropped|OutOfOrder|Duplicate)\s*:\s*([\d,]+) pkts(?:\s+([\d,]+) bytes)?`)
	ourCounts   = regexp.MustCompile(`(?m)^\s*(sent|received|lost|out of order|duplicate)\s+(\d+)(?: packets, ([\d.]+) (\w+))?`)
)

// parseValveTotals reads the counters from the detailed status of Valve's library.
func parseValveTotals(text string) (Totals, error) {
	_, lifetime, ok := strings.Cut(text, "Lifetime stats:")
	if !ok {
		return Totals{}, fmt.Errorf("no lifetime statistics in the detailed status %q", text)
	}
	lifetime, _, _ = strings.Cut(lifetime, "histogram") // the peer's own follow further down
	var t Totals
	for _, m := range valveCounts.FindAllStringSubmatch(lifetime, -1) {
		packets, err := strconv.ParseInt(strings.ReplaceAll(m[2], ",", ""), 10, 64)
		if err != nil {
			return Totals{}, err
		}
		bytes, _ := strconv.ParseInt(strings.ReplaceAll(m[3], ",", ""), 10, 64)
		t.set(m[1], packets, bytes)
	}
	return t, nil
}

// parseOurTotals reads the counters from this module's detailed status, which rounds bytes.
func parseOurTotals(text string) (Totals, error) {
	_, history, ok := strings.Cut(text, "\nHistory")
	if !ok {
		return Totals{}, fmt.Errorf("no history in the detailed status %q", text)
	}
	history, _, _ = strings.Cut(history, "histogram")
	units := map[string]float64{"": 0, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
	names := map[string]string{"sent": "Sent", "received": "Recv", "lost": "Dropped", "out of order": "OutOfOrder", "duplicate": "Duplicate"}
	var t Totals
	for _, m := range ourCounts.FindAllStringSubmatch(history, -1) {
		packets, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			return Totals{}, err
		}
		amount, _ := strconv.ParseFloat(m[3], 64)
		t.set(names[m[1]], packets, int64(amount*units[m[4]]))
	}
	return t, nil
}

// set files a count under the name that Valve's library has for it.
func (t *Totals) set(name string, packets, bytes int64) {
	switch name {
	case "Sent":
		t.SentPackets, t.SentBytes = packets, bytes
	case "Recv":
		t.RecvPackets, t.RecvBytes = packets, bytes
	case "Dropped":
		t.Dropped = packets
	case "OutOfOrder":
		t.OutOfOrder = packets
	case "Duplicate":
		t.Duplicate = packets
	}
}
