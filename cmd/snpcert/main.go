// Command snpcert makes and checks certificates for GameNetworkingSockets: it makes authorities, issues
// certificates for identities, shows, verifies and revokes them, and serves and asks for them over HTTP.
//
// Run "snpcert help" for its usage.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // it could not be done, or a certificate is not good
	exitUsage  = 2 // the command line makes no sense
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	reload, stopReload := reloadSignal()
	p := &program{
		ctx: ctx, stdout: os.Stdout, stderr: os.Stderr,
		now: time.Now, random: rand.Reader, getenv: os.Getenv, reload: reload,
	}
	status := p.run(os.Args[1:])
	stopReload()
	stop()
	os.Exit(status)
}

// program is one run of snpcert and what it has of the outside world.
type program struct {
	ctx            context.Context // done when interrupted
	stdout, stderr io.Writer
	now            func() time.Time
	random         io.Reader // for keys
	getenv         func(string) string
	reload         <-chan os.Signal // tells serve to read its files anew; nil: never

	flags *flags // of the command being run
}

// command is one of the words that may follow snpcert.
type command struct {
	name  string
	usage string // what it prints with -h
	run   func(p *program, args []string) error
}

// commands returns all of them, in the order of the help.
func commands() []command {
	return []command{
		{"ca", caUsage, (*program).runCA},
		{"intermediate", intermediateUsage, (*program).runIntermediate},
		{"issue", issueUsage, (*program).runIssue},
		{"show", showUsage, (*program).runShow},
		{"verify", verifyUsage, (*program).runVerify},
		{"revoke", revokeUsage, (*program).runRevoke},
		{"serve", serveUsage, (*program).runServe},
		{"request", requestUsage, (*program).runRequest},
	}
}

func findCommand(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return &c
		}
	}
	return nil
}

// usageError is an error in the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errReported is an error whose words have been printed already.
var errReported = errors.New("reported")

func (p *program) run(args []string) int {
	if len(args) == 0 {
		return p.wrongUsage(errors.New("no command given"), "snpcert help")
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return p.help(args[1:])
	}
	c := findCommand(args[0])
	if c == nil {
		return p.wrongUsage(fmt.Errorf("unknown command %q", args[0]), "snpcert help")
	}
	err := c.run(p, args[1:])
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return p.printText(c.usage)
	case errors.As(err, &usage):
		return p.wrongUsage(usage.error, "snpcert "+c.name+" -h")
	case !errors.Is(err, errReported):
		p.complain("snpcert: %v", err)
	}
	return exitFailed
}

func (p *program) help(args []string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return p.printText(usageText)
	}
	c := findCommand(args[0])
	if c == nil {
		return p.wrongUsage(fmt.Errorf("unknown command %q", args[0]), "snpcert help")
	}
	return p.printText(c.usage)
}

func (p *program) wrongUsage(err error, help string) int {
	p.complain("snpcert: %v", err)
	p.complain("Run '%s' for usage.", help)
	return exitUsage
}

// complain writes a line to standard error. Control characters in it, which may be a stranger's, are made
// visible.
func (p *program) complain(format string, args ...any) {
	_, _ = fmt.Fprintln(p.stderr, visible(fmt.Sprintf(format, args...)))
}

// print writes a line to standard output.
func (p *program) print(format string, args ...any) error {
	_, err := fmt.Fprintln(p.stdout, visible(fmt.Sprintf(format, args...)))
	return outputError(err)
}

func outputError(err error) error {
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// printText writes a text to standard output.
func (p *program) printText(s string) int {
	if _, err := io.WriteString(p.stdout, s); err != nil {
		p.complain("snpcert: %v", outputError(err))
		return exitFailed
	}
	return exitOK
}

// visible writes what a terminal would act upon as Go does in strings.
func visible(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			b.WriteString(strings.Trim(fmt.Sprintf("%+q", r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }
