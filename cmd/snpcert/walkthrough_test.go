package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// commandLines returns the commands of a text that start a line, with lines that continue them.
func commandLines(text string) []string {
	text = strings.ReplaceAll(text, "\\\n", " ")
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^ +(snpcert (?:ca|intermediate|issue|verify|show|revoke) -?\S.*)$`).FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(m[1], "   ")  // what follows is a remark
		if !strings.Contains(line, "[flags]") { // how to use it in general
			lines = append(lines, line)
		}
	}
	return lines
}

// inBench marks the words of a command line that are files.
func inBench(line string) []string {
	words := regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1)[1:]
	files := map[string]bool{"-o": true, "-ca": true, "-ca-cert": true, "-pub": true, "-request": true, "-list": true,
		"-d": true, "-revoked": true, "-passphrase-file": true, "-new-passphrase-file": true}
	takesValue := map[string]bool{"-identity": true, "-app": true, "-pop": true, "-expiry": true, "-comment": true, "-reason": true}
	for i, w := range words {
		words[i] = strings.Trim(w, `"`)
		switch {
		case i == 0 || strings.HasPrefix(w, "-") || strings.HasPrefix(w, "ID"):
		case files[words[i-1]], !takesValue[words[i-1]]:
			words[i] = "@" + w
		}
	}
	return words
}

// The commands in the help, as they are written there.
func TestFiveMinutes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	lines := commandLines(usageText[strings.Index(usageText, "Five minutes"):])
	require.Len(t, lines, 4)
	var out string
	for _, line := range lines {
		status, stdout, stderr := b.run(inBench(line)...)
		require.Equal(t, exitOK, status, "%s\n%s", line, stderr)
		out += stdout
	}
	require.Regexp(t, `^ca\.key: private key of the authority ID\d+; keep it secret
ca\.key\.pub: its public key, for all who are to trust it
server\.cert: certificate and private key of str:server, key ID\d+, until 2026-12-23T12:00:00Z
bob\.cert: certificate and private key of str:bob, key ID\d+, until 2026-12-23T12:00:00Z
bob\.cert: str:bob, key ID\d+, until 2026-12-23T12:00:00Z: good
$`, out)
	require.Equal(t, []string{"bob.cert", "ca.key", "ca.key.pub", "server.cert"}, b.files())

	b.fails("verify -ca @ca.key.pub -identity str:bob @server.cert", "refused, identity: certificate is that of str:server, not of str:bob")
}

// The examples of all commands, in an order in which they make sense.
func TestExamplesInTheHelp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("root.pass", "correct horse\n")
	b.write("players", "str:bob\nstr:alice\n")
	b.ok("ca -o @ca.key") // "snpcert ca" would write to the working directory
	for _, usage := range []string{caUsage, intermediateUsage} {
		for _, line := range commandLines(usage) {
			if strings.Contains(line, "sub.key") {
				line += " -o first.cert"
			}
			status, _, stderr := b.run(inBench(line)...)
			require.Equal(t, exitOK, status, "%s\n%s", line, stderr)
		}
	}
	require.NoError(t, os.WriteFile(b.path("trust"), []byte(b.read("ca.key.pub")+b.read("sub.cert")), 0o644))
	b.ok("ca -o @bob")
	for i, line := range commandLines(issueUsage) {
		if i == 1 { // the same file again, for another key
			require.NoError(t, os.Remove(b.path("bob.cert")))
		}
		status, _, stderr := b.run(inBench(line)...)
		require.Equal(t, exitOK, status, "%s\n%s", line, stderr)
	}
	require.FileExists(t, filepath.Join(b.dir, "certs", "str-alice.cert"))
	b.ok("verify -ca @trust -app 730 -identity str:alice @certs/str-alice.cert")
	b.write("revoked", "# nobody yet\n")
	for _, usage := range []string{showUsage, verifyUsage, revokeUsage} {
		for _, line := range commandLines(usage) {
			status, _, stderr := b.run(inBench(line)...)
			require.Equal(t, exitOK, status, "%s\n%s", line, stderr)
		}
	}
	b.fails("verify -ca @ca.key.pub -revoked @revoked @bob.cert", "refused, revocation: key ")
	require.Contains(t, b.read("revoked"), "ID5496471085465093974 revoked 2026-11-23, laptop stolen\n")
}
