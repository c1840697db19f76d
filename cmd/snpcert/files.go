package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/internal/secretfile"
)

// maxRead is the largest file that is read: more than any revocation list has.
const maxRead = 16 << 20

// readFile reads a file that anybody may read.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRead+1))
	if err == nil && len(data) > maxRead {
		err = fmt.Errorf("%s has more than %d bytes", path, maxRead)
	}
	return data, err
}

// readPublic reads a file of certificates and public keys. A private key in it is an error: it is
// nothing to be given to those who need such files.
func readPublic(path string) (*certfile.Bundle, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	b, err := certfile.ParseBundle(text, nil)
	if errors.Is(err, certfile.ErrPassphrase) || err == nil && b.PrivateKey != nil {
		b.Wipe()
		return nil, fmt.Errorf("%s holds a private key, where only the public part is wanted", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// passphrase reads the first line of a secret file; without a file it is what the environment says.
func (p *program) passphrase(file string) ([]byte, error) {
	if file == "" {
		return []byte(p.getenv(passphraseVariable)), nil
	}
	data, err := secretfile.Read(file)
	if err != nil {
		return nil, err
	}
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	clear(rest)
	if line = bytes.TrimRight(line, "\r"); len(line) == 0 {
		return nil, fmt.Errorf("%s starts with an empty line instead of a passphrase", file)
	}
	return line, nil
}

const passphraseVariable = "SNPCERT_PASSPHRASE"

// outputs are the files that a command writes: all of them or none.
type outputs struct {
	created []string
}

// absent fails if one of the files exists.
func absent(paths ...string) error {
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil {
			return existsError(path)
		}
	}
	return nil
}

func existsError(path string) error { return fmt.Errorf("%s exists, and is not overwritten", path) }

// secret writes a new file that only its owner can read.
func (o *outputs) secret(path string, data []byte) error {
	return o.done(path, secretfile.Create(path, data))
}

// public writes a new file that anybody may read.
func (o *outputs) public(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		_, err = f.Write(data)
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(path)
		}
	}
	return o.done(path, err)
}

func (o *outputs) done(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrExist):
		return existsError(path)
	case err == nil:
		o.created = append(o.created, path)
	}
	return err
}

// undo removes what was written, after an error.
func (o *outputs) undo() {
	for _, path := range o.created {
		_ = os.Remove(path)
	}
	o.created = nil
}

// appendAtomically adds to the end of a text file, or makes it. Others see the old file or the new one.
// While that goes on there is a file with ".lock" at its end, so that no two additions overlap.
func appendAtomically(path string, add func(old []byte) ([]byte, error)) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the file is replaced, not the link
	}
	lock := path + ".lock"
	f, err := os.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists: another snpcert is at work on %s, or was stopped, in which case remove it", lock, path)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(lock)
		}
	}()
	text, err := addTo(f, path, add)
	if err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(lock, path)
}

// addTo reads a file, copies its permissions to f, and returns its new content.
func addTo(f *os.File, path string, add func([]byte) ([]byte, error)) ([]byte, error) {
	old, err := readFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil {
		if err := chmod(f, info.Mode().Perm()); err != nil {
			return nil, err
		}
	}
	return add(old)
}
