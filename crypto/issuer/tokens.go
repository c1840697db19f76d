package issuer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
)

// Bounds of tokens.
const (
	MinTokenLength = 16 // 128 bits if the characters are drawn at random from all that are allowed, less otherwise
	MaxTokenLength = 256
	MaxTokens      = 1 << 16 // in a policy
	MaxLifetime    = 10 * 365 * 24 * time.Hour
)

// TokenHash is the SHA-256 of a token. It gives nothing away of a token that was made at random.
type TokenHash [sha256.Size]byte

// HashToken returns the hash of a token.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// String prints enough of the hash to tell tokens apart in a log.
func (h TokenHash) String() string { return hex.EncodeToString(h[:4]) }

// TokenPolicy says which identities the holders of tokens may have. Its keys are hashes, so that looking
// one up takes a time that tells nothing about the tokens.
type TokenPolicy map[TokenHash][]Allowance

// Allowance is a right to identities.
type Allowance struct {
	Identities Pattern
	Lifetime   time.Duration // of certificates; 0: the default of the service
}

// Pattern is a set of identities: one, all that begin alike, or all. The zero Pattern has none.
type Pattern struct {
	exact  crypto.Identity
	prefix string // of the text form
	any    bool
}

// ParsePattern reads an identity in its text form; "*" for every identity; or the beginning of identities
// with a "*" behind it, which must have the type's prefix at least: "str:guild-*", "steamid:*".
func ParsePattern(text string) (Pattern, error) {
	if text == "*" {
		return Pattern{any: true}, nil
	}
	if prefix, ok := strings.CutSuffix(text, "*"); ok {
		if colon := strings.IndexByte(prefix, ':'); colon < 1 || len(prefix) > crypto.MaxIdentityText {
			return Pattern{}, fmt.Errorf("pattern %q is not a type of identity, a colon, some characters and *", shorten(text))
		}
		return Pattern{prefix: prefix}, nil
	}
	id, err := crypto.ParseIdentity(text)
	if err != nil {
		return Pattern{}, err
	}
	if id.IsLocalhost() {
		return Pattern{}, fmt.Errorf("identity %v is the anonymous one, which is not certified", id)
	}
	return Pattern{exact: id}, nil
}

// Matches reports whether an identity is in the set.
func (p Pattern) Matches(id crypto.Identity) bool {
	switch {
	case !id.IsValid():
		return false
	case p.any:
		return true
	case p.prefix != "":
		return strings.HasPrefix(id.String(), p.prefix)
	default:
		return p.exact == id
	}
}

// String prints the pattern as ParsePattern reads it.
func (p Pattern) String() string {
	switch {
	case p.any:
		return "*"
	case p.prefix != "":
		return p.prefix + "*"
	default:
		return p.exact.String()
	}
}

// allows returns the first allowance for an identity.
func allows(list []Allowance, id crypto.Identity) (Allowance, bool) {
	for _, a := range list {
		if a.Identities.Matches(id) {
			return a, true
		}
	}
	return Allowance{}, false
}

// only returns the identity that a token stands for, if there is just one.
func only(list []Allowance) (crypto.Identity, bool) {
	if len(list) != 1 || list[0].Identities.exact.IsZero() {
		return crypto.Identity{}, false
	}
	return list[0].Identities.exact, true
}

// ParseTokens reads a list of tokens, one per line:
//
//	TOKEN IDENTITY-OR-PATTERN [lifetime=30d]
//
// Blanks separate; empty lines and those that begin with "#" are skipped. A token has 16 to 256 letters,
// digits and characters of "-._~+/=", and may be on several lines for several identities. An identity with
// blanks is not possible. Lifetimes have the units s, m, h and d, and end at ten years.
//
// Errors give the number of the line. They never contain a token, nor what might be one in the wrong place.
func ParseTokens(text []byte) (TokenPolicy, error) {
	policy := make(TokenPolicy)
	number := 0
	for line := range bytes.Lines(text) {
		number++
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		allowance, err := parseTokenLine(fields)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		hash := HashToken(fields[0])
		if policy[hash] == nil && len(policy) == MaxTokens {
			return nil, fmt.Errorf("line %d: more than %d tokens", number, MaxTokens)
		}
		policy[hash] = append(policy[hash], allowance)
	}
	return policy, nil
}

func parseTokenLine(fields []string) (Allowance, error) {
	if err := checkToken(fields[0]); err != nil {
		return Allowance{}, err
	}
	if len(fields) < 2 {
		return Allowance{}, errors.New("no identity behind the token")
	}
	pattern, err := ParsePattern(fields[1])
	if err != nil {
		return Allowance{}, errors.New("what follows the token is neither an identity nor a pattern")
	}
	a := Allowance{Identities: pattern}
	for i, option := range fields[2:] {
		value, ok := strings.CutPrefix(option, "lifetime=")
		if !ok || a.Lifetime != 0 {
			return Allowance{}, fmt.Errorf("word %d is not lifetime=30d, which is all that may follow the identity", i+3)
		}
		if a.Lifetime, err = parseLifetime(value); err != nil {
			return Allowance{}, err
		}
	}
	return a, nil
}

func parseLifetime(text string) (time.Duration, error) {
	var d time.Duration
	var err error
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 12)
		d = time.Duration(n) * 24 * time.Hour
	} else {
		d, err = time.ParseDuration(text)
	}
	if err != nil || d < time.Second || d > MaxLifetime {
		return 0, errors.New("lifetime is not a time such as 12h or 30d, of one second to ten years")
	}
	return d, nil
}

// checkToken looks at the form of a token. Its error does not contain it.
func checkToken(token string) error {
	if n := len(token); n < MinTokenLength || n > MaxTokenLength {
		return fmt.Errorf("token has %d characters; the limits are %d and %d", n, MinTokenLength, MaxTokenLength)
	}
	for i := range len(token) {
		c := token[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~+/=", c) >= 0) {
			return fmt.Errorf("character %d of the token is not a letter, a digit or one of -._~+/=", i+1)
		}
	}
	return nil
}
