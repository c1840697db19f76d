//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
)

// TestTrust is the authority of a program that trusts it.
func TestTrust(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := pki.NewAuthority(key)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	line := bytes.TrimSpace(certfile.FormatPublicKey(authority.PublicKey(), "of a test"))
	cmd := watched(ctx, program(t, "testdata/trust.c"), string(line))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for requests := bufio.NewScanner(out); requests.Scan(); {
		request, err := hex.DecodeString(requests.Text())
		if err != nil {
			t.Fatalf("request %q: %v", requests.Text(), err)
		}
		now := time.Now()
		c, err := authority.SignRequest(request, pki.Template{
			Identity: crypto.GenericString("alice"), AppIDs: []uint32{0}, Created: now, Expiry: now.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(in, "%x\n", c.Marshal()); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, errs.String())
	}
}
