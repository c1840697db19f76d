package crypto

import (
	"crypto/ed25519"
	"sync"
)

// KeyCache checks Ed25519 signatures as crypto/ed25519 does, with the same outcome for every input, and remembers
// multiples of public keys that come again and again: of the server that a client returns to, of players who
// reconnect. To check a signature of such a key takes little more than half of the time. That shows
// whether a key, which is public, has come before, and nothing else.
//
// It is safe for concurrent use. A nil KeyCache remembers nothing.
type KeyCache struct {
	mu            sync.Mutex
	recent, older map[publicKey]*knownKey
}

type publicKey [ed25519.PublicKeySize]byte

// knownKey is a key that has signed something.
type knownKey struct {
	seen  int
	table *keyTable // nil until it is worth its while
}

const (
	// cachedKeys is how many keys a generation has. There are two, so that what is used stays: a table takes 10 KiB.
	cachedKeys = 128
	// seenBeforeTable is how many good signatures a key must have given before there is a table, which takes nearly as
	// long to make as a signature to check. Keys that nobody owns get none.
	seenBeforeTable = 2
)

// NewKeyCache returns a cache that has seen nothing.
func NewKeyCache() *KeyCache {
	return &KeyCache{recent: make(map[publicKey]*knownKey)}
}

// Verify reports whether sig is a valid signature of message by a public key, which must have 32 bytes.
func (c *KeyCache) Verify(public ed25519.PublicKey, message, sig []byte) bool {
	if len(public) != ed25519.PublicKeySize {
		return false
	}
	if c == nil {
		return ed25519.Verify(public, message, sig)
	}
	if table := c.lookup(publicKey(public)); table != nil {
		return table.verify(public, message, sig)
	}
	if !ed25519.Verify(public, message, sig) {
		return false
	}
	if c.note(publicKey(public)) {
		if table := newKeyTable(public); table != nil {
			c.remember(publicKey(public), table)
		}
	}
	return true
}

// lookup returns the table of a key, nil if there is none.
func (c *KeyCache) lookup(key publicKey) *keyTable {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.find(key); k != nil {
		return k.table
	}
	return nil
}

// find returns what is known about a key, which is then a recent one. c.mu is held.
func (c *KeyCache) find(key publicKey) *knownKey {
	if k := c.recent[key]; k != nil {
		return k
	}
	k := c.older[key]
	if k != nil {
		c.add(key, k)
	}
	return k
}

// add makes a key a recent one. c.mu is held.
func (c *KeyCache) add(key publicKey, k *knownKey) {
	if len(c.recent) >= cachedKeys {
		c.recent, c.older = make(map[publicKey]*knownKey), c.recent
	}
	c.recent[key] = k
}

// note counts a good signature of a key, and reports whether it is time for a table.
func (c *KeyCache) note(key publicKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.find(key)
	if k == nil {
		k = new(knownKey)
		c.add(key, k)
	}
	k.seen++
	return k.seen == seenBeforeTable
}

func (c *KeyCache) remember(key publicKey, table *keyTable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.find(key); k != nil {
		k.table = table
	}
}
