package main

import (
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	known := map[string]bool{"Sockets.Do": true, "config.NagleTime": true}
	row := func(f ...string) string { return strings.Join(f, "\t") + "\n" }
	for _, test := range []struct{ name, data, want, err string }{
		{"links", row("functions", "do", "ISteamX::Do", "Sockets.Do; config.NagleTime", "or not"),
			"| `do` | `ISteamX::Do` | [`Sockets.Do`](https://pkg.go.dev/github.com/gogns/gns#Sockets.Do), " +
				"[`config.NagleTime`](https://pkg.go.dev/github.com/gogns/gns/config#NagleTime) | or not |\n", ""},
		{"nothing in Go", "# comment\n" + row("flags", "flags.X", "", "", ""), "| `flags.X` | – | – |  |\n", ""},
		{"unknown identifier", row("functions", "do", "Do", "Sockets.Undo", ""), "", "no exported Sockets.Undo"},
		{"unknown kind", row("fun", "do", "Do", "Sockets.Do", ""), "", `unknown kind of row "fun"`},
		{"missing column", row("functions", "do", "Do"), "", ":1: 3 columns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := render(test.data, known)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error is %v, should say %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(got), test.want) {
				t.Errorf("%s\nlacks\n%s", got, test.want)
			}
		})
	}
}

func TestPageIsUpToDate(t *testing.T) {
	if err := run("../../..", true); err != nil {
		t.Error(err)
	}
}
