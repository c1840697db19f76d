package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/meet"
)

// options is a command line that has been understood.
type options struct {
	file string   // "-": standard input
	args []string // for the script

	identity   gns.Identity // zero: a made-up SteamID
	meet.Flags              // without Signal there are no P2P connections
	config     []config.Value
	configHelp bool
	noAuth     bool
	keyLog     string
	sandbox    bool
	idle       time.Duration
	timeout    time.Duration // 0: none
	verbose    bool
}

// defaultIdle is how long a spinning script waits for something to happen before it looks again.
const defaultIdle = time.Millisecond

// parseOptions understands a command line. The error is flag.ErrHelp if it asks for help. Everything
// after the script's name is for the script.
func parseOptions(args []string) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("snplua", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.Func("identity", "", func(s string) (err error) {
		o.identity, err = gns.ParseIdentity(s)
		return err
	})
	fs.Func("config", "", func(s string) error {
		if s == "help" {
			o.configHelp = true
			return nil
		}
		v, err := config.Parse(s)
		if errors.Is(err, config.ErrUnknown) {
			return fmt.Errorf("%w ('snplua -config help' lists them)", err)
		}
		o.config = append(o.config, v)
		return err
	})
	o.Register(fs)
	fs.BoolVar(&o.noAuth, "noauth", false, "")
	fs.StringVar(&o.keyLog, "keylog", "", "")
	fs.BoolVar(&o.sandbox, "sandbox", false, "")
	fs.DurationVar(&o.idle, "idle", defaultIdle, "")
	fs.DurationVar(&o.timeout, "timeout", 0, "")
	fs.BoolVar(&o.verbose, "v", false, "")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case o.configHelp:
		return o, nil
	case o.idle < 0:
		return nil, fmt.Errorf("-idle %v is negative", o.idle)
	case o.timeout < 0:
		return nil, fmt.Errorf("-timeout %v is negative", o.timeout)
	case fs.NArg() == 0:
		return nil, errors.New("no script given")
	}
	o.file, o.args = fs.Arg(0), fs.Args()[1:]
	return o, o.checkP2P(fs)
}

// turnPassEnv names the environment variable with the password of the TURN servers.
const turnPassEnv = "SNPLUA_TURN_PASS"

// checkP2P checks the flags of P2P connections.
func (o *options) checkP2P(fs *flag.FlagSet) error {
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if given["signal"] {
		return o.Check(given, turnPassEnv, o.config)
	}
	for _, name := range meet.Names {
		if given[name] {
			return fmt.Errorf("-%s means nothing without -signal", name)
		}
	}
	return nil
}
