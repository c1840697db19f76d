// Command snpcat is netcat for Valve's GameNetworkingSockets protocol: it connects to a peer or listens
// for peers, sends standard input as messages, and writes the messages that arrive to standard output.
//
// Run "snpcat help" for its usage.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitOK     = 0 // either side closed with an ordinary application reason
	exitFailed = 1 // the connection failed or was lost, or input or output did
	exitUsage  = 2 // the command line makes no sense
)

func main() {
	first, interrupt := context.WithCancel(context.Background())
	second, kill := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		interrupt()
		<-signals
		kill()
		signal.Stop(signals) // a third one ends the process without further ado
	}()
	os.Exit(runBounded(first, second, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run carries out a command line and returns the exit status. When ctx is done it ends politely: what
// has been sent is delivered first.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return runBounded(ctx, context.Background(), args, stdin, stdout, stderr)
}

// runBounded is run that stops waiting for delivery when killed is done.
func runBounded(ctx, killed context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{
		interrupted: ctx,
		killed:      killed,
		stdin:       stdin,
		stdout:      stdout,
		console:     newConsole(stderr),
	}
	return p.run(args)
}

// program is one run of snpcat and what it has of the outside world.
type program struct {
	interrupted context.Context // done at the first interrupt: deliver, then end
	killed      context.Context // done at the second: end
	stdin       io.Reader
	stdout      io.Writer
	console     *console
}

func (p *program) run(args []string) int {
	if len(args) > 0 {
		switch args[0] {
		case "help":
			return p.printText(usageText)
		case "config":
			return p.runConfig(args[1:])
		case "demo":
			return p.runDemo(args[1:])
		case "bench":
			return p.runBench(args[1:])
		case "signal":
			return p.runSignal(args[1:])
		}
	}
	o, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return p.printText(usageText)
	case err != nil:
		return p.usageError(err, "snpcat help")
	case o.configHelp:
		return p.runConfig(nil)
	case o.listen:
		return p.listen(o)
	}
	return p.connect(o)
}

// usageError reports a command line that makes no sense, and where to read about it.
func (p *program) usageError(err error, help string) int {
	p.console.printf("snpcat: %v", err)
	p.console.printf("Run '%s' for usage.", help)
	return exitUsage
}

// fail reports what went wrong.
func (p *program) fail(format string, args ...any) int {
	p.console.printf("snpcat: "+format, args...)
	return exitFailed
}

// printText writes a text to standard output.
func (p *program) printText(s string) int {
	if _, err := io.WriteString(p.stdout, s); err != nil {
		return p.fail("standard output: %v", err)
	}
	return exitOK
}
