// Command snplua runs Lua scripts that are written for luasteam's networkingSockets, without Steam:
// require 'luasteam' gives them connections over GameNetworkingSockets' protocol.
//
// Run "snplua -h" for its usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses, where the script does not choose one with os.exit.
const (
	exitOK          = 0
	exitFailed      = 1   // the script could not be read or ended with an error
	exitUsage       = 2   // the command line makes no sense
	exitInterrupted = 130 // as a shell reports a program that was interrupted
)

// errInterrupted is why a script ends that the user has interrupted.
var errInterrupted = errors.New("interrupted")

func main() {
	ctx, interrupt := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // a second one ends the process without further ado
		interrupt(errInterrupted)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Exit))
}

// run carries out a command line and returns the exit status. exit is what os.exit of the script does
// after everything has been closed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, exit func(int)) int {
	o, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usageText)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "snplua: %v\nRun 'snplua -h' for usage.\n", err)
		return exitUsage
	case o.configHelp:
		listConfig(stdout)
		return exitOK
	}
	s := &script{options: o, stdout: stdout, stderr: stderr, exit: exit}
	err = s.run(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(context.Cause(ctx), errInterrupted):
		fmt.Fprintln(stderr, "snplua: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "snplua: %v\n", err)
	return exitFailed
}
