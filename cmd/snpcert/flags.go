package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
)

// flags is a flag set of which errors are usage errors.
type flags struct {
	*flag.FlagSet
	given map[string]bool
}

func (p *program) newFlags(name string) *flags {
	p.flags = &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), given: map[string]bool{}}
	p.flags.SetOutput(io.Discard)
	p.flags.Usage = func() {}
	return p.flags
}

// parse parses flags before and after other arguments, which it returns.
func (fs *flags) parse(args []string) (positional []string, err error) {
	for {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, usageError{err}
		}
		if fs.NArg() == 0 {
			break
		}
		positional = append(positional, fs.Arg(0))
		args = fs.Args()[1:]
	}
	fs.Visit(func(f *flag.Flag) { fs.given[f.Name] = true })
	return positional, nil
}

// parseOnly is parse for commands without other arguments.
func (fs *flags) parseOnly(args []string) error {
	positional, err := fs.parse(args)
	if err == nil && len(positional) > 0 {
		err = usagef("unexpected argument %q", positional[0])
	}
	return err
}

// need fails unless all of these flags are given.
func (fs *flags) need(names ...string) error {
	for _, name := range names {
		if !fs.given[name] {
			return usagef("-%s is missing", name)
		}
	}
	return nil
}

// exclude fails if two of these flags are given.
func (fs *flags) exclude(names ...string) error {
	first := ""
	for _, name := range names {
		switch {
		case !fs.given[name]:
		case first == "":
			first = name
		default:
			return usagef("-%s and -%s do not go together", first, name)
		}
	}
	return nil
}

// scopeFlags say where a certificate is good.
type scopeFlags struct {
	apps      []uint32
	pops      []pki.POP
	addresses []netip.Prefix
	lifetime  time.Duration
}

func (s *scopeFlags) register(fs *flags, lifetime time.Duration) {
	s.lifetime = lifetime
	fs.Func("app", "", listFlag(&s.apps, parseApp))
	fs.Func("pop", "", listFlag(&s.pops, pki.ParsePOP))
	fs.Func("ip", "", listFlag(&s.addresses, parsePrefix))
	fs.Func("expiry", "", func(text string) (err error) {
		s.lifetime, err = parseLifetime(text)
		return err
	})
}

// listFlag adds the parts of a value, between commas, to a list.
func listFlag[T any](list *[]T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		for part := range strings.SplitSeq(text, ",") {
			v, err := parse(strings.TrimSpace(part))
			if err != nil {
				return err
			}
			*list = append(*list, v)
		}
		return nil
	}
}

func parseApp(text string) (uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not an app id", text)
	}
	return uint32(id), nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is neither an IP address nor a range such as 192.0.2.0/24", text)
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

const day = 24 * time.Hour

// lifetimeUnits are the units of parseLifetime.
var lifetimeUnits = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': day, 'w': 7 * day, 'y': 365 * day,
}

// parseLifetime reads how long a certificate is to be good, such as 30d or 1d12h.
func parseLifetime(text string) (time.Duration, error) {
	var total time.Duration
	for rest := text; rest != ""; {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 {
			return 0, errLifetime
		}
		n, err := strconv.ParseUint(rest[:end], 10, 32)
		unit := lifetimeUnits[rest[end]]
		if err != nil || unit == 0 {
			return 0, errLifetime
		}
		if n > uint64((math.MaxInt64-total)/unit) {
			return 0, errors.New("too long")
		}
		total += time.Duration(n) * unit
		rest = rest[end+1:]
	}
	if total < time.Second {
		return 0, errLifetime
	}
	return total, nil
}

var errLifetime = errors.New("not a time such as 12h, 30d or 2y")

// parseTime reads a point in time: RFC 3339, a date (its beginning in UTC), or Unix seconds.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return time.Unix(n, 0), nil
	}
	return time.Time{}, errors.New("not a time such as 2027-01-31, 2027-01-31T12:00:00Z or 1801396800")
}

// identityFlag reads an identity that a certificate may be about.
func identityFlag(id *crypto.Identity) func(string) error {
	return func(text string) (err error) {
		*id, err = parseIdentity(text)
		return err
	}
}

func parseIdentity(text string) (crypto.Identity, error) {
	id, err := crypto.ParseIdentity(text)
	switch {
	case err != nil:
		return crypto.Identity{}, err
	case !id.IsValid():
		return crypto.Identity{}, fmt.Errorf("%q is no identity", text)
	case id.IsLocalhost():
		return crypto.Identity{}, fmt.Errorf("identity %v is the anonymous one, which everybody has", id)
	}
	return id, nil
}
