// Package metrics shows what gns counts to monitoring systems: as an expvar variable, and to Prometheus
// and whatever else reads its text format. It needs nothing but the standard library.
//
//	var set metrics.Set
//	set.Add("game", sockets)
//	http.Handle("/metrics", &set)    // Prometheus
//	expvar.Publish("gns", &set)      // /debug/vars
package metrics

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gogns/gns"
)

// Set is some Sockets under names. The zero Set is empty. It is an http.Handler that answers in
// Prometheus's text format and an expvar.Var. It is safe for concurrent use.
type Set struct {
	mu      sync.Mutex
	sockets map[string]*gns.Sockets
}

var _ http.Handler = (*Set)(nil)

// Add adds a Sockets, in place of any other of that name. Closed ones keep their counters; Remove them
// when nobody wants to know any more.
func (s *Set) Add(name string, sockets *gns.Sockets) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil {
		s.sockets = make(map[string]*gns.Sockets)
	}
	s.sockets[name] = sockets
}

// Remove takes a Sockets out.
func (s *Set) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sockets, name)
}

// Snapshot returns the metrics of every Sockets by name.
func (s *Set) Snapshot() map[string]gns.Metrics {
	s.mu.Lock()
	sockets := maps.Clone(s.sockets)
	s.mu.Unlock()
	all := make(map[string]gns.Metrics, len(sockets))
	for name, one := range sockets {
		all[name] = one.Metrics()
	}
	return all
}

// Total returns the sum over all Sockets.
func (s *Set) Total() gns.Metrics {
	var sum gns.Metrics
	for _, m := range s.Snapshot() {
		sum.Add(m)
	}
	return sum
}

// String implements expvar.Var: the fields of gns.Metrics in JSON, by name of the Sockets.
func (s *Set) String() string {
	b, err := json.Marshal(s.Snapshot())
	if err != nil { // cannot happen: there are only numbers
		return "{}"
	}
	return string(b)
}

// ServeHTTP answers with the metrics in Prometheus's text format.
func (s *Set) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = s.WriteText(w) // the client has gone; there is nobody to tell
}

// WriteText writes the metrics in Prometheus's text format (version 0.0.4), each with the label sockets.
func (s *Set) WriteText(w io.Writer) error {
	all := s.Snapshot()
	names := slices.Sorted(maps.Keys(all))
	out := bufio.NewWriter(w)
	for _, f := range families {
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		for _, name := range names {
			m := all[name]
			for _, v := range f.values {
				fmt.Fprintf(out, "%s{sockets=\"%s\"", f.name, labels.Replace(name))
				if f.label != "" {
					fmt.Fprintf(out, ",%s=\"%s\"", f.label, v.label)
				}
				fmt.Fprintf(out, "} %s\n", strconv.FormatUint(v.get(&m), 10))
			}
		}
	}
	return out.Flush()
}

// labels escapes label values.
var labels = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
