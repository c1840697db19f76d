package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
)

// summary tells of a certificate in half a line.
func summary(c *pki.Certificate) string {
	who := "authority"
	if !c.IsAuthority() {
		who = c.Identity.String()
	}
	return fmt.Sprintf("%s, key %s, until %s", who, certfile.KeyIDText(c.KeyID()), formatTime(c.Expiry))
}

// details tells of a certificate, a line for each thing, with times as when writes them.
func details(c *pki.Certificate, when func(time.Time) string) []string {
	identity := "none: this is an authority, whose key may sign for others"
	if !c.IsAuthority() {
		identity = c.Identity.String()
	}
	signer := "nobody"
	if c.IsSigned() {
		signer = certfile.KeyIDText(c.AuthorityKeyID)
	}
	if c.SelfSigned() {
		signer += " (itself)"
	}
	return []string{
		"Identity:    " + identity,
		"Key:         " + certfile.KeyIDText(c.KeyID()),
		"App ids:     " + joined(c.AppIDs, "any"),
		"POPs:        " + joined(c.POPs, "any"),
		"Addresses:   " + joined(addressTexts(c.Addresses), "any"),
		"Created:     " + when(c.Created),
		"Expires:     " + when(c.Expiry),
		"Signed by:   " + signer,
	}
}

func joined[T any](list []T, none string) string {
	if len(list) == 0 {
		return none
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// addressTexts writes single addresses without the length of the prefix.
func addressTexts(list []netip.Prefix) []string {
	var texts []string
	for _, p := range list {
		if p.IsSingleIP() {
			texts = append(texts, p.Addr().String())
		} else {
			texts = append(texts, p.String())
		}
	}
	return texts
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return "not stated"
	}
	return t.UTC().Format(time.RFC3339)
}

// distance tells how far a time is from now, in the largest unit that fits.
func distance(t, now time.Time) string {
	d := t.Sub(now)
	if t.IsZero() {
		return ""
	}
	size := d.Abs()
	n, unit := int64(size/time.Second), "second"
	for _, u := range []struct {
		size time.Duration
		name string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if size >= 2*u.size {
			n, unit = int64((size+u.size/2)/u.size), u.name
			break
		}
	}
	if n != 1 {
		unit += "s"
	}
	if d < 0 {
		return fmt.Sprintf(" (%d %s ago)", n, unit)
	}
	return fmt.Sprintf(" (in %d %s)", n, unit)
}

// keyName tells of a public key.
func keyName(k certfile.PublicKey) string {
	id := certfile.KeyIDText(crypto.KeyID(k.Key))
	if k.Comment == "" || k.Comment == id {
		return id
	}
	return id + " (" + k.Comment + ")"
}
