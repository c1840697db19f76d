//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	delayName  = "delay" // of the interface through which everything goes
	delayTable = 200
	delayQueue = 4096 // packets under way; further ones are lost
	maxIP      = 65535
)

// Delay makes every packet take so long from one site to another. It is called once, at the beginning: connections that exist stay
// without.
//
// Not every kernel can delay packets by itself, so they take a detour through this process: what comes from a site is routed to an
// interface that it reads, and what it writes there later is routed as usual.
func (l *Lab) Delay(d time.Duration) {
	l.t.Helper()
	tun, err := l.core.openTUN(delayName)
	if err != nil {
		l.t.Fatalf("making a network interface: %v", err)
	}
	queue := make(chan delayed, delayQueue)
	ended := make(chan struct{})
	go func() {
		defer close(queue)
		readDelayed(tun, d, queue)
	}()
	go func() {
		defer close(ended)
		writeDelayed(tun, queue)
	}()
	l.t.Cleanup(func() {
		if err := tun.Close(); err != nil {
			l.t.Errorf("closing a network interface: %v", err)
		}
		<-ended
	})
	l.core.ip("link set "+delayName+" up",
		fmt.Sprintf("route add default dev %s table %d", delayName, delayTable),
		fmt.Sprintf("rule add iif %s table main priority 10", delayName),
		fmt.Sprintf("rule add table %d priority 20", delayTable))
}

// delayed is a packet, and when it may go on.
type delayed struct {
	packet []byte
	due    time.Time
}

// readDelayed reads until the file is closed.
func readDelayed(tun *os.File, d time.Duration, queue chan<- delayed) {
	for buf := make([]byte, maxIP); ; {
		n, err := tun.Read(buf)
		if err != nil {
			return
		}
		select {
		case queue <- delayed{append([]byte(nil), buf[:n]...), time.Now().Add(d)}:
		default:
		}
	}
}

// writeDelayed writes until there is nothing more to come.
func writeDelayed(tun *os.File, queue <-chan delayed) {
	for p := range queue {
		time.Sleep(time.Until(p.due))
		_, _ = tun.Write(p.packet) // a lost packet is nothing special
	}
}

// openTUN makes an interface in the namespace whose packets are read from and written to the file.
func (n *node) openTUN(name string) (file *os.File, err error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	return file, n.inside(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			return errors.Join(err, unix.Close(fd))
		}
		file = os.NewFile(uintptr(fd), name)
		return nil
	})
}

// inside calls f in the namespace.
func (n *node) inside(f func() error) (err error) {
	runtime.LockOSThread()
	stray := false // the thread is in the namespace, and nobody else may use it
	defer func() {
		if !stray {
			runtime.UnlockOSThread()
		}
	}()
	own, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		return err
	}
	defer own.Close()
	namespace, err := os.Open("/run/netns/" + n.namespace)
	if err != nil {
		return err
	}
	defer namespace.Close()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = f()
	back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET)
	stray = back != nil
	return errors.Join(err, back)
}
