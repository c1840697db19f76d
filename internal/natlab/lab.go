//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// commandTimeout is far more than any command that changes a network needs.
const commandTimeout = 20 * time.Second

var labs atomic.Uint32 // made by this process, so that their names differ

// Lab is a small internet: networks, routers and hosts, each of these in a network namespace of its own. All its methods and those of
// what belongs to it end the test if they fail, and everything is gone when the test has ended.
type Lab struct {
	t      testing.TB
	prefix string // of the names of the namespaces
	core   *node  // the routers between all sites
	sites  int
	hosts  int
}

// New makes an internet without any site.
func New(t testing.TB) *Lab {
	t.Helper()
	l := &Lab{t: t, prefix: fmt.Sprintf("%s%d-%d-", namespaces, os.Getpid(), labs.Add(1))}
	l.core = l.node("internet")
	l.core.sysctl("net.ipv4.ip_forward=1")
	l.core.nft(internetRules)
	return l
}

// node is a namespace.
type node struct {
	lab       *Lab
	name      string
	namespace string
}

// node makes a namespace, and has it removed with all that runs in it.
func (l *Lab) node(name string) *node {
	l.t.Helper()
	n := &node{lab: l, name: name, namespace: l.prefix + name}
	l.run("", "ip", "netns", "add", n.namespace)
	l.t.Cleanup(func() {
		if err := remove(n.namespace); err != nil {
			l.t.Errorf("removing %s: %v", n.namespace, err)
		}
	})
	// What is tested is address translation, which IPv6 would make needless. And each node uses ports of its own for
	// sockets that do not ask for one, because translation cannot keep a port that another host uses already.
	l.hosts++
	first := 20000 + l.hosts*1000
	n.sysctl("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
		fmt.Sprintf("net.ipv4.ip_local_port_range=%d %d", first, first+999))
	n.ip("link set lo up")
	return n
}

// ip runs several commands of ip in the namespace.
func (n *node) ip(commands ...string) {
	n.lab.t.Helper()
	n.lab.run(strings.Join(commands, "\n")+"\n", "ip", "-netns", n.namespace, "-batch", "-")
}

// nft adds rules.
func (n *node) nft(rules string) {
	n.lab.t.Helper()
	n.lab.run(rules, "ip", "netns", "exec", n.namespace, "nft", "-f", "-")
}

func (n *node) sysctl(settings ...string) {
	n.lab.t.Helper()
	args := append([]string{"netns", "exec", n.namespace, "sysctl", "-q", "-w"}, settings...)
	n.lab.run("", "ip", args...)
}

// run runs a command that must succeed.
func (l *Lab) run(input, name string, args ...string) {
	l.t.Helper()
	out, err := output(input, name, args...)
	require.NoError(l.t, err, "%s %s\n%s%s", name, strings.Join(args, " "), input, out)
}

func output(input, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	// Whoever is killed must not leave processes behind that keep its namespaces.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}
