// Package secretfile reads and writes files that hold private keys and other secrets, and refuses those
// that others could read. Where the system has no such permissions (Windows), it relies on those of the
// directory.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxSize is the largest file that Read reads.
const MaxSize = 4 << 20

// ErrPermissions is in the chain of the error about a file that is not secret.
var ErrPermissions = errors.New("file is not secret")

// Read reads a file that only its owner may read. It fails for a file of more than MaxSize.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened, whatever the name means in the meantime
	if err != nil {
		return nil, err
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > MaxSize:
		clear(data)
		return nil, fmt.Errorf("%s has more than %d bytes", path, MaxSize)
	}
	return data, nil
}

// Create writes a new file that only its owner may read. It fails if there is one already.
func Create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path) // half a key is of no use
	}
	return err
}

func check(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return nil // a pipe, for instance, from a program that keeps secrets
	}
	if mode := info.Mode().Perm(); mode&othersMay != 0 {
		return fmt.Errorf("%w: %s can be read by others (mode %04o); chmod 600 %s", ErrPermissions, path, mode, path)
	}
	return nil
}
