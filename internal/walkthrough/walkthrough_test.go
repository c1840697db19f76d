// Package walkthrough runs the commands that the documentation shows, and compares what they print.
package walkthrough

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/gogns/gns/internal/testoutput"
	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

// step is a command with the output that the page shows.
type step struct {
	command string
	want    []string
}

// steps returns the commands in the console blocks of a page: lines that begin with "$ ". The lines up to
// the next one are the output, where "…" stands for anything.
func steps(page string) (all []step) {
	blocks := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(page, -1)
	for _, b := range blocks {
		for _, line := range strings.Split(strings.TrimRight(b[1], "\n"), "\n") {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				all = append(all, step{command: command})
			} else {
				last := &all[len(all)-1]
				last.want = append(last.want, line)
			}
		}
	}
	return all
}

// pattern matches the expected output.
func pattern(want []string) *regexp.Regexp {
	parts := make([]string, len(want))
	for i, line := range want {
		parts[i] = strings.ReplaceAll(regexp.QuoteMeta(line), "…", `.*`)
	}
	return regexp.MustCompile(`\A` + strings.Join(parts, "\n") + `\n?\z`)
}

func TestTrust(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the page is written for sh")
	}
	page, err := os.ReadFile("../../docs/trust.md")
	require.NoError(t, err)
	text := strings.ReplaceAll(string(page), "127.0.0.1:27015", testport.UDP(t).String())
	all := steps(text)
	require.Greater(t, len(all), 5, "commands on the page")

	dir, bin := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "../../cmd/snpcert", "../../cmd/snpcat")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, s := range all {
		run(t, bin, dir, s.command, pattern(s.want))
	}
}

// run runs a command of a page in a directory, with the programs in bin, and expects what it prints. It goes on with one that ends in
// "&" as soon as that has been printed.
func run(t *testing.T, bin, dir, command string, want *regexp.Regexp) {
	t.Helper()
	command, background := strings.CutSuffix(command, " &")
	if background {
		command = "exec " + command // so that it is the command that is ended, and not its shell
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	o := testoutput.New()
	cmd.Stdout, cmd.Stderr = o, o
	if !background {
		require.NoError(t, cmd.Run(), "%s\n%s", command, o)
		require.Regexp(t, want, o.String(), command)
		return
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	o.Wait(t, want.String())
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	got := steps("text\n```console\n$ one\na … c\nd\n$ two\n```\n```go\n$ three\n```\n")
	require.Equal(t, []step{{"one", []string{"a … c", "d"}}, {"two", nil}}, got)
	require.True(t, pattern(got[0].want).MatchString("a b c\nd\n"))
	require.False(t, pattern(got[0].want).MatchString("a b\nc\nd\n"))
	require.False(t, pattern(got[0].want).MatchString("a b c\nd\ne\n"))
	require.True(t, pattern(nil).MatchString(""))
	require.False(t, pattern(nil).MatchString("x\n"))
}
