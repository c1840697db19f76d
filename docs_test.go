package gns_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// What the documents say exists does: methods of the types of this package in code spans, configuration
// values, and the files that they link to.
func TestDocumentsNameWhatExists(t *testing.T) {
	t.Parallel()
	types := map[string]reflect.Type{
		"Sockets":                 reflect.TypeFor[*gns.Sockets](),
		"Conn":                    reflect.TypeFor[*gns.Conn](),
		"Listener":                reflect.TypeFor[*gns.Listener](),
		"Message":                 reflect.TypeFor[*gns.Message](),
		"OutMessage":              reflect.TypeFor[*gns.OutMessage](),
		"Identity":                reflect.TypeFor[gns.Identity](),
		"Options":                 reflect.TypeFor[*gns.Options](),
		"ConnectionInfo":          reflect.TypeFor[*gns.ConnectionInfo](),
		"ConnectionStatusChanged": reflect.TypeFor[*gns.ConnectionStatusChanged](),
		"RealTimeStatus":          reflect.TypeFor[*gns.RealTimeStatus](),
		"s":                       reflect.TypeFor[*gns.Sockets](),
		"l":                       reflect.TypeFor[*gns.Listener](),
	}
	configs := make(map[string]bool)
	for _, info := range config.All() {
		name := strings.ReplaceAll(info.Name, "_", "")
		configs[strings.ToLower(name)] = true
	}
	member := regexp.MustCompile(`\b(?:\(\*)?(Sockets|Conn|Listener|Message|OutMessage|Identity|Options|ConnectionInfo|ConnectionStatusChanged|RealTimeStatus|s|l)\)?\.([A-Z]\w*)`)
	value := regexp.MustCompile(`\bconfig\.(?:Int32|Float)\(config\.(\w+)`)
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	fence := regexp.MustCompile("(?s)```.*?```")
	span := regexp.MustCompile("`[^`]+`")

	files, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	checked := 0
	for _, file := range append(files, "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(file), m[1]))
			require.NoError(t, err, "%s links to it", file)
		}
		for _, m := range value.FindAllStringSubmatch(string(text), -1) {
			require.True(t, configs[strings.ToLower(m[1])], "%s: config.%s", file, m[1])
		}
		if !strings.Contains(file, "migrating") && file != "README.md" {
			continue
		}
		for _, code := range span.FindAllString(fence.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(code, "::") {
				continue // C++
			}
			for _, m := range member.FindAllStringSubmatch(code, -1) {
				typ := types[m[1]]
				_, isMethod := typ.MethodByName(m[2])
				isField := false
				if typ.Kind() == reflect.Pointer && typ.Elem().Kind() == reflect.Struct {
					_, isField = typ.Elem().FieldByName(m[2])
				}
				if !isMethod && !isField && oldNames[m[1]+"."+m[2]] {
					continue
				}
				require.True(t, isMethod || isField, "%s: %s has no %s", file, m[1], m[2])
				checked++
			}
		}
	}
	require.Greater(t, checked, 80)
}

// docs/logging.md lists every message, and no other.
func TestLoggingDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/logging.md")
	require.NoError(t, err)
	var documented []string
	rows := regexp.MustCompile("(?m)^\\| (Error|Warn|Info|Debug) \\| (`[^|]+`) \\|")
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			documented = append(documented, m[1])
		}
	}
	var logged []string
	calls := regexp.MustCompile(`(?:slog\.Level\w+, |level, text = slog\.LevelWarn, |note(?:Listening|Socket)\()"([^"]+)"`)
	alone := regexp.MustCompile(`\.log\.(Debug|Info|Warn|Error)\(`)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		require.False(t, alone.Match(source), "%s logs by itself; see logging.go", file)
		for _, m := range calls.FindAllStringSubmatch(string(source), -1) {
			if !slices.Contains(logged, m[1]) {
				logged = append(logged, m[1])
			}
		}
	}
	require.ElementsMatch(t, documented, logged)
}

// oldNames are what the page for users of nielsAD/gns calls by their names there.
var oldNames = map[string]bool{
	"Listener.AcceptGNS": true, "Listener.SetDeadline": true, "Conn.Read": true, "Conn.SendMessage": true,
	"Conn.SetLinger": true, "Conn.SetNoDelay": true, "Conn.Set": true,
	"Message.Payload": true, "Message.PeerIdentity": true, "Message.Timestamp": true, "Message.MessageNumber": true,
}
