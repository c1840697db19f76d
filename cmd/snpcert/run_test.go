package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns/internal/testoutput"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what must happen.
const patience = testoutput.Patience

// start is the time at which tests begin.
var start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// bench is a directory to run snpcert in, with a clock and keys of its own. When a test ends, everything
// that snpcert has printed, and every file that others could read, is searched for the private keys.
type bench struct {
	t    *testing.T
	dir  string
	env  map[string]string
	keys *countedKeys

	mu      sync.Mutex
	now     time.Time
	printed []byte // all output so far
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), now: start, env: map[string]string{}, keys: &countedKeys{name: t.Name()}}
	t.Cleanup(b.searchKeys)
	return b
}

// countedKeys gives a different seed with every read, and the same ones in every run of a test.
type countedKeys struct {
	name  string
	mu    sync.Mutex
	seeds [][]byte
}

func (k *countedKeys) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	seed := sha256.Sum256([]byte(k.name + strconv.Itoa(len(k.seeds))))
	k.seeds = append(k.seeds, seed[:])
	return copy(p, seed[:]), nil
}

// last returns the key that was made last.
func (k *countedKeys) last() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(k.seeds[len(k.seeds)-1])
}

// program returns a snpcert whose relative file names are below the bench's directory.
func (b *bench) program(ctx context.Context, stdout, stderr *testoutput.Buffer) *program {
	return &program{
		ctx: ctx, stdout: stdout, stderr: stderr, now: b.clock, random: b.keys,
		getenv: func(name string) string { return b.env[name] },
	}
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// path returns the path of a file of the bench.
func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// fileWord matches words of a command line that are files here.
var fileWord = regexp.MustCompile(`^@[\w.~/-]+$`)

// place puts the bench's directory in the place of "@" before file names.
func (b *bench) place(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if fileWord.MatchString(a) {
			a = b.path(a[1:])
		}
		out[i] = a
	}
	return out
}

// run runs a command line to its end. Words that begin with "@" are files of the bench. In what was
// printed, the directory is taken away again.
func (b *bench) run(args ...string) (status int, stdout, stderr string) {
	b.t.Helper()
	out, err := testoutput.New(), testoutput.New()
	status = b.program(b.t.Context(), out, err).run(b.place(args))
	b.remember(out, err)
	return status, b.local(out.String()), b.local(err.String())
}

func (b *bench) local(s string) string {
	return strings.ReplaceAll(s, b.dir+string(filepath.Separator), "")
}

func (b *bench) remember(buffers ...*testoutput.Buffer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, buf := range buffers {
		b.printed = append(append(b.printed, buf.String()...), '\n')
	}
}

// ok runs a command line, words separated by blanks, that must succeed without complaint.
func (b *bench) ok(line string) (stdout string) {
	b.t.Helper()
	status, stdout, stderr := b.run(strings.Fields(line)...)
	require.Equal(b.t, exitOK, status, "snpcert %s\n%s", line, stderr)
	require.Empty(b.t, stderr, line)
	return stdout
}

// fails runs a command line that must fail and say why.
func (b *bench) fails(line, want string) {
	b.t.Helper()
	status, stdout, stderr := b.run(strings.Fields(line)...)
	require.Equal(b.t, exitFailed, status, "snpcert %s\n%s", line, stderr)
	require.Contains(b.t, stderr, want, line)
	require.Regexp(b.t, "^snpcert: ", stderr, line)
	require.Empty(b.t, stdout, line)
}

func (b *bench) read(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(b.path(name))
	require.NoError(b.t, err)
	return string(data)
}

// write writes a secret file.
func (b *bench) write(name, text string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(b.path(name), []byte(text), 0o600))
}

// files lists the bench's files.
func (b *bench) files() []string {
	b.t.Helper()
	var names []string
	require.NoError(b.t, filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, b.local(path))
		}
		return err
	}))
	return names
}

// searchKeys looks for private keys where there must be none.
func (b *bench) searchKeys() {
	for _, seed := range b.keys.seeds {
		require.Empty(b.t, traces(b.printed, seed), "private key in output")
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, name := range b.files() {
		info, err := os.Stat(b.path(name))
		require.NoError(b.t, err)
		if info.Mode().Perm()&0o077 == 0 {
			continue
		}
		for _, seed := range b.keys.seeds {
			require.Empty(b.t, traces([]byte(b.read(name)), seed), "private key in %s, which others can read", name)
		}
	}
}

// traces returns the forms in which a secret is found in data: raw, in hexadecimal and in base64, at any
// offset in the encoded bytes and across line breaks.
func traces(data, secret []byte) (found []string) {
	if bytes.Contains(data, secret) {
		found = append(found, "raw")
	}
	text := lineBreaks.Replace(string(data))
	if strings.Contains(strings.ToLower(text), hex.EncodeToString(secret)) {
		found = append(found, "hex")
	}
	for offset := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), secret...))
		inner := encoded[(offset*8+5)/6 : (offset+len(secret))*8/6]
		if strings.Contains(text, inner) {
			found = append(found, fmt.Sprintf("base64+%d", offset))
		}
	}
	return found
}

// lineBreaks takes line breaks out of text, in JSON too.
var lineBreaks = strings.NewReplacer("\r", "", "\n", "", `\r`, "", `\n`, "")
