package p2ptest

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Network is a network namespace of a test, with nothing in it but what NewNetwork says.
type Network struct {
	enter []string // the command that runs another one in the namespace
}

// Addresses of the machine on an ordinary private network, which a peer without the simulated network uses.
const (
	LANAddress   = "10.77.0.1"
	LANAddressV6 = "fd77::1"
)

// setup makes a new namespace ready. The simulated network needs its IPv6 addresses; those of IPv4 are the
// loopback interface's already. The private network is a cable whose two ends are both here.
var setup = []string{
	"link set lo up",
	"link add lan0 type veth peer name lan1",
	"link set lan0 addrgenmode none",
	"link set lan1 addrgenmode none",
	"addr add " + LANAddress + "/24 dev lan0",
	"addr add " + LANAddressV6 + "/64 dev lan0 nodad",
	"link set lan0 up",
	"link set lan1 up",
}

// NewNetwork makes a network for one test: a loopback interface with all addresses of the simulated network, and an interface
// with LANAddress and LANAddressV6. Nothing leads out of it.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	cat, err := exec.LookPath("cat") // any program that ends with its input keeps the namespace
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{}
	holder := exec.Command(cat)
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	user := os.Geteuid() != 0
	if user {
		id := func(host int) []syscall.SysProcIDMap {
			return []syscall.SysProcIDMap{{ContainerID: 0, HostID: host, Size: 1}}
		}
		holder.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		holder.SysProcAttr.UidMappings, holder.SysProcAttr.GidMappings = id(os.Geteuid()), id(os.Getegid())
	}
	input, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatalf("making a network namespace: %v (it takes root, or user namespaces that everybody may make)", err)
	}
	t.Cleanup(func() { end(input, holder) })
	n.enter = []string{"nsenter", "--target", strconv.Itoa(holder.Process.Pid), "--net"}
	if user {
		n.enter = append(n.enter, "--user", "--preserve-credentials")
	}
	n.enter = append(n.enter, "--")

	lines := append([]string(nil), setup...)
	for _, address := range addressesV6 {
		lines = append(lines, "addr add "+address+"/48 dev lo nodad")
	}
	n.feed(t, strings.Join(lines, "\n")+"\n", "ip", "-batch", "-")
	n.waitCarrier(t)
	return n
}

// waitCarrier waits until the kernel has noticed that the cable is connected at both ends, before which some do not use the
// interface.
func (n *Network) waitCarrier(t testing.TB) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for over := time.Now().Add(startTime); time.Now().Before(over); <-again.C {
		out, err := n.Command("ip", "-oneline", "link", "show", "lan0").Output()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(out), "state UP") {
			return
		}
	}
	t.Fatal("the interface of the private network does not come up")
}

func end(input io.Closer, holder *exec.Cmd) {
	_ = input.Close()
	_ = holder.Wait()
}

// feed runs a program in the network that reads its input and must succeed.
func (n *Network) feed(t testing.TB, input, name string, args ...string) {
	t.Helper()
	command := n.Command(name, args...)
	command.Stdin = strings.NewReader(input)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s\nwith the input\n%s", strings.Join(command.Args, " "), err, out, input)
	}
}

// Enter returns the command, with its arguments, that runs the command behind it in the network.
func (n *Network) Enter() []string { return n.enter }

// Command returns a command that will run in the network, and that does not outlive the test process.
func (n *Network) Command(name string, args ...string) *exec.Cmd {
	all := append(append(append([]string(nil), n.enter...), name), args...)
	command := exec.Command(all[0], all[1:]...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return command
}
