//go:build linux

package natlab

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// table is what tests have measured, logged when the test has ended.
type table struct {
	mu   sync.Mutex
	rows [][]string
}

func newTable(t *testing.T, heads ...string) *table {
	t.Helper()
	tab := new(table)
	t.Cleanup(func() { t.Logf("\n%s", tab.String(heads)) })
	return tab
}

// add adds a row, of values of any type. Rows are sorted in the end.
func (tab *table) add(cells ...any) {
	var row []string
	for _, cell := range cells {
		if d, ok := cell.(time.Duration); ok {
			cell = d.Round(time.Millisecond)
		}
		row = append(row, fmt.Sprint(cell))
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.rows = append(tab.rows, row)
}

func (tab *table) String(heads []string) string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	slices.SortFunc(tab.rows, slices.Compare)
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heads}, tab.rows...) {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t")) // to memory
	}
	_ = w.Flush()
	return text.String()
}
