package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// options is a command line that has been understood.
type options struct {
	address string // with -p2p the peer's identity
	p2pOptions

	listen    bool
	keep      bool
	broadcast bool
	echo      bool

	identity   gns.Identity // zero: anonymous
	config     []config.Value
	configHelp bool
	timeout    time.Duration // 0: not given
	linger     time.Duration // negative: as long as the peer answers
	wait       time.Duration

	unreliable bool
	noNagle    bool
	lane       int
	lanes      laneList // never empty

	raw  bool
	hex  bool
	json bool

	appID     uint
	ca        string // file of trust; empty: nobody is trusted
	revoked   string
	cert      string // file of credentials
	certKey   string // file of the private key, if it is not in cert
	expect    gns.Identity
	anonymous bool // with ca, peers for whom nobody vouches are let in all the same

	stats   bool
	verbose bool
	keyLog  string
}

// many reports whether several peers may be connected at a time.
func (o *options) many() bool { return o.keep || o.broadcast }

// sendFlags are the flags that every message of standard input is sent with.
func (o *options) sendFlags() gns.SendFlags {
	var f gns.SendFlags
	if !o.unreliable {
		f |= gns.SendReliable
	}
	if o.noNagle {
		f |= gns.SendNoNagle
	}
	return f
}

// maxTimeout is the longest time that the protocol's timeouts can be set to.
const maxTimeout = math.MaxInt32 * time.Millisecond

// flagSet returns the flags of connecting and listening, which fill o.
func flagSet(o *options) *flag.FlagSet {
	fs := flag.NewFlagSet("snpcat", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.BoolVar(&o.listen, "l", false, "")
	fs.BoolVar(&o.keep, "k", false, "")
	fs.BoolVar(&o.broadcast, "broadcast", false, "")
	fs.BoolVar(&o.echo, "echo", false, "")
	fs.Func("identity", "", func(s string) (err error) {
		o.identity, err = gns.ParseIdentity(s)
		return err
	})
	fs.BoolVar(&o.p2p, "p2p", false, "")
	fs.StringVar(&o.signal, "signal", "127.0.0.1:"+signalPort, "")
	fs.IntVar(&o.virtualPort, "vport", 0, "")
	fs.BoolVar(&o.symmetric, "symmetric", false, "")
	fs.StringVar(&o.stun, "stun", "", "")
	fs.StringVar(&o.turn, "turn", "", "")
	fs.StringVar(&o.turnUser, "turn-user", "", "")
	fs.StringVar(&o.turnPass, "turn-pass", "", "")
	fs.BoolVar(&o.forceRelay, "force-relay", false, "")
	fs.BoolVar(&o.loopback, "loopback", false, "")
	fs.Func("config", "", func(s string) error {
		if s == "help" {
			o.configHelp = true
			return nil
		}
		v, err := config.Parse(s)
		if errors.Is(err, config.ErrUnknown) {
			return fmt.Errorf("%w ('snpcat config' lists them)", err)
		}
		o.config = append(o.config, v)
		return err
	})
	fs.UintVar(&o.appID, "app", 0, "")
	fs.StringVar(&o.ca, "ca", "", "")
	fs.StringVar(&o.revoked, "revoked", "", "")
	fs.StringVar(&o.cert, "cert", "", "")
	fs.StringVar(&o.certKey, "key", "", "")
	fs.Func("expect", "", func(s string) (err error) {
		o.expect, err = gns.ParseIdentity(s)
		return err
	})
	fs.BoolVar(&o.anonymous, "unverified", false, "")
	o.linger = -1
	fs.Func("timeout", "", durationFlag(&o.timeout))
	fs.Func("linger", "", durationFlag(&o.linger))
	fs.Func("wait", "", durationFlag(&o.wait))
	fs.BoolVar(&o.unreliable, "u", false, "")
	fs.BoolVar(&o.noNagle, "n", false, "")
	fs.IntVar(&o.lane, "lane", 0, "")
	fs.Var(&o.lanes, "lanes", "")
	fs.BoolVar(&o.raw, "raw", false, "")
	fs.BoolVar(&o.hex, "hex", false, "")
	fs.BoolVar(&o.json, "json", false, "")
	fs.BoolVar(&o.stats, "stats", false, "")
	fs.BoolVar(&o.verbose, "v", false, "")
	fs.StringVar(&o.keyLog, "keylog", "", "")
	return fs
}

// durationFlag reads a time into d: a number of seconds, or with a unit, as in 1500ms.
func durationFlag(d *time.Duration) func(string) error {
	return func(s string) (err error) {
		if n, err := strconv.ParseUint(s, 10, 31); err == nil {
			s = strconv.FormatUint(n, 10) + "s"
		}
		*d, err = time.ParseDuration(s)
		if err != nil {
			return errors.New("not a time such as 10s or 1500ms")
		}
		return nil
	}
}

// parseOptions understands a command line. The error is flag.ErrHelp if it asks for help.
func parseOptions(args []string) (*options, error) {
	o := &options{}
	given, positional, err := parseFlags(flagSet(o), splitShort(args))
	if err != nil {
		return nil, err
	}
	if o.configHelp {
		return o, nil
	}
	switch len(positional) {
	case 0:
		if !o.p2p {
			return nil, errors.New("no address given")
		}
	case 1:
		o.address = positional[0]
	default:
		return nil, fmt.Errorf("unexpected argument %q after the address %s", positional[1], positional[0])
	}
	if err := o.check(given); err != nil {
		return nil, err
	}
	return o, nil
}

// parseFlags parses flags before and after other arguments, which it returns, with the names of the
// flags that were given.
func parseFlags(fs *flag.FlagSet, args []string) (given map[string]bool, positional []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, nil, err
		}
		if fs.NArg() == 0 {
			break
		}
		positional = append(positional, fs.Arg(0))
		args = fs.Args()[1:]
	}
	given = make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given, positional, nil
}

// splitShort takes apart what users of netcat write together, as in -lk.
func splitShort(args []string) []string {
	var out []string
	for _, a := range args {
		if len(a) > 2 && a[0] == '-' && strings.Trim(a[1:], "lkunv") == "" {
			for _, c := range a[1:] {
				out = append(out, "-"+string(c))
			}
			continue
		}
		out = append(out, a)
	}
	return out
}

// check finds what does not go together, and completes what follows from other options.
func (o *options) check(given map[string]bool) error {
	for _, name := range []string{"k", "broadcast", "echo"} {
		if given[name] && !o.listen {
			return fmt.Errorf("-%s is for listening (-l)", name)
		}
	}
	for _, pair := range [][2]string{
		{"raw", "hex"}, {"raw", "json"}, {"echo", "broadcast"}, {"echo", "raw"}, {"echo", "hex"},
		{"echo", "u"}, {"echo", "lane"}, {"echo", "wait"},
	} {
		if given[pair[0]] && given[pair[1]] {
			return fmt.Errorf("-%s and -%s do not go together", pair[0], pair[1])
		}
	}
	switch {
	case given["expect"] && o.listen:
		return errors.New("-expect is for connecting; listeners see who has connected in their output")
	case given["expect"] && !given["ca"]:
		return errors.New("-expect means nothing without -ca: nobody could vouch for the peer")
	case given["revoked"] && !given["ca"]:
		return errors.New("-revoked means nothing without -ca")
	case given["key"] && !given["cert"]:
		return errors.New("-key means nothing without -cert")
	case given["unverified"] && !given["ca"]:
		return errors.New("-unverified means nothing without -ca: nobody is verified then")
	case o.appID > math.MaxUint32:
		return fmt.Errorf("-app %d is not between 0 and %d", o.appID, uint32(math.MaxUint32))
	}
	if given["timeout"] && (o.timeout <= 0 || o.timeout > maxTimeout) {
		return fmt.Errorf("-timeout %v is not between 0 and %v", o.timeout, maxTimeout)
	}
	if given["linger"] && o.linger < 0 {
		return fmt.Errorf("-linger %v is negative", o.linger)
	}
	if o.wait < 0 {
		return fmt.Errorf("-wait %v is negative", o.wait)
	}
	if o.lane < 0 || o.lane >= maxLanes {
		return fmt.Errorf("-lane %d is not between 0 and %d", o.lane, maxLanes-1)
	}
	if len(o.lanes) == 0 {
		o.lanes = o.lanes.grow(o.lane + 1)
	}
	if o.lane >= len(o.lanes) {
		return fmt.Errorf("-lane %d, but -lanes makes only %d, numbered from 0", o.lane, len(o.lanes))
	}
	if err := o.checkP2P(given); err != nil || o.p2p {
		return err
	}
	return o.checkAddress()
}

// checkAddress checks the form of the address. Whether it exists shows later.
func (o *options) checkAddress() error {
	if _, err := strconv.ParseUint(o.address, 10, 16); err == nil && o.listen {
		o.address = ":" + o.address
	}
	host, port, err := net.SplitHostPort(o.address)
	switch {
	case err != nil:
		return fmt.Errorf("address %q is not of the form HOST:PORT", o.address)
	case port == "":
		return fmt.Errorf("address %q has no port", o.address)
	case host == "" && !o.listen:
		return fmt.Errorf("address %q has no host to connect to (to listen, use -l)", o.address)
	}
	if n, err := strconv.ParseInt(port, 10, 64); err == nil && (n < 0 || n > 65535 || n == 0 && !o.listen) {
		return fmt.Errorf("port %s is out of range", port)
	}
	return nil
}
