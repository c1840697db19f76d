//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// namespaces is how the names of all namespaces begin; the process that made them follows.
const namespaces = "natlab-"

// RemoveLeftovers removes what runs that were killed have left behind: namespaces of processes that are no more.
func RemoveLeftovers() error {
	out, err := output("", "ip", "netns", "list")
	if err != nil {
		return fmt.Errorf("listing namespaces: %w: %s", err, out)
	}
	var errs []error
	for line := range strings.Lines(out) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ") // an ID may follow
		if pid, ours := owner(name); ours && !alive(pid) {
			errs = append(errs, remove(name))
		}
	}
	return errors.Join(errs...)
}

// owner returns which process made a namespace.
func owner(namespace string) (pid int, ours bool) {
	rest, ours := strings.CutPrefix(namespace, namespaces)
	if !ours {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(digits)
	return pid, err == nil
}

// alive tells whether a process runs. One that has ended and that nobody has taken note of yet does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// remove ends what runs in a namespace, and removes it: a process would keep it, though without a name.
func remove(namespace string) error {
	out, err := output("", "ip", "netns", "pids", namespace)
	if err != nil {
		return fmt.Errorf("processes of %s: %w: %s", namespace, err, out)
	}
	for field := range strings.FieldsSeq(out) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
	if out, err := output("", "ip", "netns", "delete", namespace); err != nil {
		return fmt.Errorf("deleting %s: %w: %s", namespace, err, out)
	}
	return nil
}
