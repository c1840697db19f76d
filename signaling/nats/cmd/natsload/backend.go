package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/signaling/nats"
)

// backend is a server under load.
type backend struct {
	url  string
	pid  int          // 0: not known
	stop func() error // nil: it is not ours
}

// starter starts a server at an address, which trusts the authority with a public key in hexadecimal, if there is one.
type starter func(o *options, address, root string) (*backend, error)

// running is a server that somebody else has started.
func running(url string) *backend { return &backend{url: url} }

// startProcess runs this program once more, as the server. It is killed in the end, so that it has no time
// to say goodbye.
func startProcess(_ *options, address, root string) (*backend, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "-serve", address, "-root", root)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // its end ends the server, should this program be killed
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() error {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // says that it was killed; closes the pipes
		return nil
	}
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = stop()
		return nil, fmt.Errorf("the server did not start: %w", err)
	}
	return &backend{strings.TrimSpace(url), cmd.Process.Pid, stop}, nil
}

// serve is the server, until standard input ends.
func serve(o *options, stdin io.Reader, stdout io.Writer) error {
	s, err := runServer(o.serve, o.root)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, s.URL()); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, stdin)
	return s.Close()
}

func runServer(address, root string) (*nats.Server, error) {
	options := nats.ServerOptions{Address: address}
	if root != "" {
		key, err := hex.DecodeString(root)
		if err != nil {
			return nil, fmt.Errorf("key of the authority: %w", err)
		}
		if options.Store, err = pki.NewStore(ed25519.PublicKey(key)); err != nil {
			return nil, err
		}
	}
	return nats.RunServer(options)
}
