package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gogns/gns/config"
)

// runConfig lists the configuration values whose name or description contains all of the words.
func (p *program) runConfig(words []string) int {
	if len(words) > 0 && (words[0] == "-h" || words[0] == "-help" || words[0] == "--help") {
		return p.printText(configUsageText)
	}
	var b strings.Builder
	found := 0
	for _, info := range config.All() {
		if !mentions(info, words) {
			continue
		}
		found++
		b.WriteString(describeValue(info))
	}
	if found == 0 {
		return p.usageError(fmt.Errorf("no configuration value mentions %q", strings.Join(words, " ")), "snpcat config")
	}
	if len(words) == 0 {
		b.WriteString(configFootText)
	}
	return p.printText(b.String())
}

func mentions(info config.Info, words []string) bool {
	text := strings.ToLower(info.Name + " " + info.Help)
	for _, w := range words {
		if !strings.Contains(text, strings.ToLower(w)) {
			return false
		}
	}
	return true
}

// describeValue is two lines about a configuration value: the figures and the meaning.
func describeValue(info config.Info) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s", info.Name, info.Type)
	if info.Type != config.TypeFunc {
		_, text, _ := strings.Cut(info.Default.String(), "=")
		if info.Type == config.TypeString {
			text = strconv.Quote(text)
		}
		fmt.Fprintf(&b, ", default %s", withUnit(text, info.Unit))
	}
	if info.Limited() {
		fmt.Fprintf(&b, ", %s to %s", limit(info.Min), withUnit(limit(info.Max), info.Unit))
	}
	fmt.Fprintf(&b, "\n    %s", info.Help)
	for _, note := range notes(info) {
		b.WriteString(" " + note)
	}
	b.WriteString("\n")
	return b.String()
}

func notes(info config.Info) (notes []string) {
	if info.Type == config.TypeFunc {
		notes = append(notes, "For programs only.")
	}
	if info.Dev {
		notes = append(notes, "Weakens security.")
	}
	if info.Lockable {
		notes = append(notes, "Fixed once connected.")
	}
	return notes
}

func withUnit(text, unit string) string {
	if unit == "" || unit == "%" {
		return text + unit
	}
	return text + " " + unit
}

func limit(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
