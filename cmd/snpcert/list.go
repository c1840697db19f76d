package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/gogns/gns/crypto"
)

// readList reads a file of identities, one per line; empty lines and those that begin with '#' do not
// count.
func readList(path string) ([]crypto.Identity, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var ids []crypto.Identity
	lines := map[crypto.Identity]int{}
	number := 0
	for raw := range bytes.Lines(text) {
		number++
		line := strings.TrimSpace(string(raw))
		if line == "" || line[0] == '#' {
			continue
		}
		id, err := parseIdentity(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, number, err)
		}
		if first := lines[id]; first != 0 {
			return nil, fmt.Errorf("%s, line %d: %v is in line %d already", path, number, id, first)
		}
		lines[id] = number
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s lists no identity", path)
	}
	return ids, nil
}

// fileName returns where to keep the certificate of an identity, such as str-bob.cert. No two identities
// share one, not even where upper and lower case are the same: what is not plain gets a hash behind it.
func fileName(id crypto.Identity) string {
	const maxPlain = 64
	text := id.String()
	kind, value, _ := strings.Cut(text, ":")
	plain := kind != "" && len(value) <= maxPlain
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			plain = false
			return r
		}
		plain = false
		return '_'
	}, value)
	if plain {
		return kind + "-" + name + ".cert"
	}
	sum := sha256.Sum256([]byte(text))
	return kind + "-" + name[:min(len(name), maxPlain)] + "~" + hex.EncodeToString(sum[:8]) + ".cert"
}
