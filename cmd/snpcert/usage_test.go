package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gogns/gns/internal/testoutput"
	"github.com/stretchr/testify/require"
)

func TestWrongUsageIsStatus2(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, tc := range []struct{ args, want string }{
		{"", "no command given"},
		{"sign", `unknown command "sign"`},
		{"help sign", `unknown command "sign"`},
		{"ca more", `unexpected argument "more"`},
		{"ca -x", "not defined: -x"},
		{"intermediate -o x", "-ca is missing"},
		{"intermediate -ca x", "-o is missing"},
		{"intermediate -ca x -o y -pub z -comment c", "-pub and -comment do not go together"},
		{"intermediate -ca x -o y -pub z -new-passphrase-file c", "-pub and -new-passphrase-file do not go together"},
		{"issue -identity str:bob", "-ca is missing"},
		{"issue -ca x", "-identity is missing"},
		{"issue -ca x -pub y", "-identity is missing"},
		{"issue -ca x -identity bob", "no type prefix"},
		{"issue -ca x -identity ip:::1", "the anonymous one"},
		{"issue -ca x -identity str:bob -pub y -request z", "-pub and -request do not go together"},
		{"issue -ca x -identity str:bob -d y", "-d is for -list"},
		{"issue -ca x -list y", "-d is missing"},
		{"issue -ca x -list y -d z -o a", "-list and -o do not go together"},
		{"issue -ca x -list y -d z -identity str:bob", "-list and -identity do not go together"},
		{"issue -ca x -list y -d z -pub a", "-pub and -list do not go together"},
		{"issue -ca x -identity str:bob -app x", `"x" is not an app id`},
		{"issue -ca x -identity str:bob -app 4294967296", `"4294967296" is not an app id`},
		{"issue -ca x -identity str:bob -pop ab", `"ab" is not a code`},
		{"issue -ca x -identity str:bob -ip 1.2.3", `"1.2.3" is neither an IP address nor a range`},
		{"issue -ca x -identity str:bob -ip fe80::1%eth0", `is neither an IP address nor a range`},
		{"issue -ca x -identity str:bob -expiry 30", "not a time such as 12h, 30d or 2y"},
		{"show", "no file given"},
		{"show -x", "not defined: -x"},
		{"verify x", "-ca is missing"},
		{"verify -ca x", "0 files given instead of one"},
		{"verify -ca x y z", "2 files given instead of one"},
		{"verify -ca x -at noon y", "not a time such as 2027-01-31"},
		{"verify -ca x -at -5 y", "not a time such as 2027-01-31"},
		{"revoke x", "-list is missing"},
		{"revoke -list x", "neither a key id nor a file given"},
		{"serve -ca x", "-tokens is missing"},
		{"serve -tokens x", "-ca is missing"},
		{"serve -ca x -tokens y -tls-cert z", "-tls-cert and -tls-key go together"},
		{"serve -ca x -tokens y -listen 1234", `-listen "1234" is not of the form HOST:PORT`},
		{"serve -ca x -tokens y -listen :1234", "-listen :1234 can be reached by others"},
		{"serve -ca x -tokens y -listen 0.0.0.0:1234", "-listen 0.0.0.0:1234 can be reached by others"},
		{"serve -ca x -tokens y -listen example.com:1234", "-listen example.com:1234 can be reached by others"},
		{"serve -ca x -tokens y more", `unexpected argument "more"`},
		{"request -url x", "-token-file is missing"},
		{"request -token-file x", "-url is missing"},
		{"request -url x -token-file y -timeout never", "not a time such as"},
	} {
		status, stdout, stderr := b.run(strings.Fields(tc.args)...)
		require.Equal(t, exitUsage, status, tc.args)
		require.Empty(t, stdout, tc.args)
		require.Contains(t, stderr, tc.want, tc.args)
		require.Regexp(t, `^snpcert: .*\nRun 'snpcert .*' for usage.\n$`, stderr, tc.args)
	}
	require.Empty(t, b.files())
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := map[string]string{"help": usageText, "-h": usageText, "--help": usageText, "help -h": usageText}
	for _, c := range commands() {
		want[c.name+" -h"], want[c.name+" --help"], want["help "+c.name] = c.usage, c.usage, c.usage
	}
	for args, want := range want {
		require.Equal(t, want, b.ok(args), args)
	}
}

func TestHelpDescribesEveryFlagAndNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range commands() {
		described := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^  -([a-z-]+)`).FindAllStringSubmatch(c.usage, -1) {
			described[m[1]] = true
		}
		p := b.program(t.Context(), testoutput.New(), testoutput.New())
		require.Equal(t, exitOK, p.run([]string{c.name, "-h"}))
		defined := map[string]bool{}
		p.flags.VisitAll(func(f *flag.Flag) { defined[f.Name] = true })
		require.Equal(t, defined, described, c.name)
		require.Contains(t, usageText, "\n  snpcert "+c.name+" ", "not in the list of commands")
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	t.Parallel()
	texts := usageText
	for _, c := range commands() {
		texts += c.usage
	}
	for line := range strings.Lines(texts) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, "too wide for a terminal: %s", line)
	}
}

func TestStandardOutputThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	for _, args := range []string{"help", "ca -h", "show @ca.key", "show -json @ca.key", "ca -o @other.key"} {
		r, err := os.Open(os.DevNull) // cannot be written
		require.NoError(t, err)
		stderr := testoutput.New()
		p := b.program(t.Context(), testoutput.New(), stderr)
		p.stdout = r
		require.Equal(t, exitFailed, p.run(b.place(strings.Fields(args))), args)
		require.Contains(t, stderr.String(), "standard output: ", args)
		require.NoError(t, r.Close())
	}
}

func TestStrangersWordsDoNotReachTheTerminal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("list", "1 evil\x1b[2J\n")
	out := b.ok("show @list")
	require.NotContains(t, out, "\x1b")
	status, _, stderr := b.run("show", "\x1b[2J")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, `\x1b[2J`)
}
