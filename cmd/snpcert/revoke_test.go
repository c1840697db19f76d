package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/stretchr/testify/require"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	root := certfile.KeyIDText(crypto.KeyID(publicHalf(b.keys.last())))
	b.ok("issue -ca @ca.key -identity str:bob -o @bob.cert")
	bob := b.id("bob.cert")
	require.Equal(t, "list: "+bob+" revoked\nlist: ID5 revoked\n", b.ok("revoke -list @list @bob.cert 5"))
	require.Equal(t, bob+" str:bob, revoked 2026-11-23\nID5 revoked 2026-11-23\n", b.read("list"))

	b.advance(day)
	require.Equal(t, "list: "+bob+" was revoked before\nlist: "+root+" revoked\n", b.ok("revoke -list @list "+bob+" @ca.key.pub"))
	require.Equal(t, bob+" str:bob, revoked 2026-11-23\nID5 revoked 2026-11-23\n"+root+" revoked 2026-11-24\n", b.read("list"))

	status, _, _ := b.run("revoke", "-list", "@list", "-reason", "sold\nID7", "6")
	require.Equal(t, exitOK, status)
	require.Contains(t, b.read("list"), "\nID6 revoked 2026-11-24, sold ID7\n", "a reason is no line of its own")
}

func TestRevokeKeepsWhatIsInTheList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := "# by hand\r\n\r\n 7 and why\n8" // no line end
	b.write("list", old)
	b.ok("revoke -list @list 9 9")
	require.Equal(t, old+"\nID9 revoked 2026-11-23\n", b.read("list"))
	require.Equal(t, []string{"list"}, b.files(), "nothing is left beside it")

	b.write("junk", "junk\n")
	b.fails("revoke -list @junk 9", "junk: line 1 of the revocation list does not start with a key id")
	require.Equal(t, "junk\n", b.read("junk"))
	require.Equal(t, []string{"junk", "list"}, b.files())
}

func TestRevokeRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("intermediate -ca @ca.key -o @sub")
	b.ok("intermediate -ca @sub.key -ca-cert @sub.cert -o @sub2")
	b.fails("revoke -list @list @sub2.cert", "sub2.cert is about 2 keys; name those to be revoked by their ids")
	b.fails("revoke -list @list 5 0", `"0" is neither a key id nor a file`)
	b.fails("revoke -list @list @none", "is neither a key id nor a file")
	b.write("empty", "")
	b.fails("revoke -list @list @empty", "empty is about 0 keys")
	require.NotContains(t, b.files(), "list", "all or nothing")
	b.fails("revoke -list @none/list 5", "no such file or directory")
}

// Two at once must not lose what the other adds.
func TestRevokeTakesALock(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("list.lock", "")
	b.fails("revoke -list @list 5", "list.lock exists: another snpcert is at work on list, or was stopped, in which case remove it")
	require.FileExists(t, b.path("list.lock"), "it is the other's")
	require.NoError(t, os.Remove(b.path("list.lock")))
	b.ok("revoke -list @list 5")
	require.Equal(t, []string{"list"}, b.files())
}

func TestRevokeReplacesTheFileBehindALink(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("real", "5\n")
	if err := os.Symlink(b.path("real"), b.path("link")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	b.ok("revoke -list @link 6")
	require.Equal(t, "5\nID6 revoked 2026-11-23\n", b.read("real"))
	target, err := os.Readlink(b.path("link"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(target, "real"))
}
