//go:build unix

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func (b *bench) mode(name string) os.FileMode {
	b.t.Helper()
	info, err := os.Stat(b.path(name))
	require.NoError(b.t, err)
	return info.Mode().Perm()
}

func TestPrivateKeysAreForTheirOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("intermediate -ca @ca.key -o @sub")
	b.ok("issue -ca @ca.key -identity str:bob -o @bob.cert")
	b.write("list", "str:carol\n")
	b.ok("issue -ca @ca.key -list @list -d @certs")
	for _, name := range []string{"ca.key", "sub.key", "bob.cert", "certs/str-carol.cert"} {
		require.Equal(t, os.FileMode(0o600), b.mode(name), name)
	}
	require.Equal(t, os.FileMode(0o700), b.mode("certs"))
	for _, name := range []string{"ca.key.pub", "sub.key.pub", "sub.cert"} {
		require.Equal(t, os.FileMode(0o444), b.mode(name)&0o444, name)
	}
}

func TestFilesThatOthersCanReadAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.write("tokens", "0123456789abcdef str:bob\n")
	b.write("pass", "secret\n")
	b.write("tls.cert", "")
	b.write("tls.key", "")
	for _, tc := range []struct{ file, line string }{
		{"ca.key", "issue -ca @ca.key -identity str:bob"},
		{"ca.key", "intermediate -ca @ca.key -o @sub"},
		{"ca.key", "serve -ca @ca.key -tokens @tokens"},
		{"tokens", "serve -ca @ca.key -tokens @tokens"},
		{"tls.key", "serve -ca @ca.key -tokens @tokens -tls-cert @tls.cert -tls-key @tls.key"},
		{"tokens", "request -url http://127.0.0.1:1 -token-file @tokens"},
		{"pass", "ca -o @new.key -passphrase-file @pass"},
		{"pass", "issue -ca @ca.key -identity str:bob -passphrase-file @pass"},
	} {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
			require.NoError(t, os.Chmod(b.path(tc.file), mode))
			status, stdout, stderr := b.run(strings.Fields(tc.line)...)
			require.Equal(t, exitFailed, status, tc.line)
			require.Empty(t, stdout)
			require.Contains(t, stderr, tc.file+" can be read by others (mode "+map[os.FileMode]string{0o640: "0640", 0o604: "0604", 0o620: "0620"}[mode]+"); chmod 600 "+tc.file, tc.line)
		}
		require.NoError(t, os.Chmod(b.path(tc.file), 0o600))
	}
	require.NotContains(t, b.files(), "new.key")
}

func TestShowWarnsOfAPrivateKeyThatOthersCanRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	require.NoError(t, os.Chmod(b.path("ca.key"), 0o644))
	status, stdout, stderr := b.run("show", "@ca.key", "@ca.key.pub")
	require.Equal(t, exitOK, status)
	require.Contains(t, stdout, "(not shown)")
	require.Regexp(t, `^snpcert: warning: private key: .*ca\.key can be read by others \(mode 0644\); chmod 600 ca\.key\n$`, stderr)
	require.NoError(t, os.Chmod(b.path("ca.key"), 0o600))
}

func TestRevokeKeepsTheModeOfTheList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("list", "5\n")
	require.NoError(t, os.Chmod(b.path("list"), 0o664))
	b.ok("revoke -list @list 6")
	require.Equal(t, os.FileMode(0o664), b.mode("list"))
}
