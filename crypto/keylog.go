package crypto

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// KeyLogLabel begins every line that WriteKeyLog writes.
const KeyLogLabel = "GNS_KEYS"

// WriteKeyLog writes what it takes to decrypt the connection's packets as one line, in one call of Write:
//
//	GNS_KEYS client-id server-id cipher client-to-server-key server-to-client-key client-to-server-iv server-to-client-iv
//
// The ids are eight hexadecimal digits, the cipher is AES_256_GCM or NULL, keys (64 digits) and IVs (24)
// are in hexadecimal, and single blanks separate the fields. The client is the end that initiated the
// connection. The nonce of packet number n is the IV with n added to its first eight bytes, read in little
// endian.
//
// Whoever has this line can read and forge the connection's packets.
func (k *Keys) WriteKeyLog(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s %08x %08x %v %x %x %x %x\n", KeyLogLabel,
		k.ClientConnectionID, k.ServerConnectionID, k.Cipher,
		k.ClientToServer.Key, k.ServerToClient.Key, k.ClientToServer.IV, k.ServerToClient.IV)
	return err
}

// ParseKeyLogLine reads a line that WriteKeyLog wrote, with or without its end.
func ParseKeyLogLine(line string) (Keys, error) {
	fields := strings.Fields(line)
	if len(fields) != 8 || fields[0] != KeyLogLabel {
		return Keys{}, fmt.Errorf("not a %s line of 8 fields", KeyLogLabel)
	}
	var keys Keys
	var err error
	if keys.ClientConnectionID, err = parseConnectionID(fields[1]); err != nil {
		return Keys{}, fmt.Errorf("client id: %w", err)
	}
	if keys.ServerConnectionID, err = parseConnectionID(fields[2]); err != nil {
		return Keys{}, fmt.Errorf("server id: %w", err)
	}
	switch fields[3] {
	case CipherNull.String():
		keys.Cipher = CipherNull
	case CipherAES256GCM.String():
		keys.Cipher = CipherAES256GCM
	default:
		return Keys{}, fmt.Errorf("no cipher is called %q", fields[3])
	}
	for i, part := range []struct {
		name string
		dst  []byte
	}{
		{"client-to-server key", keys.ClientToServer.Key[:]},
		{"server-to-client key", keys.ServerToClient.Key[:]},
		{"client-to-server IV", keys.ClientToServer.IV[:]},
		{"server-to-client IV", keys.ServerToClient.IV[:]},
	} {
		b, err := hex.DecodeString(fields[4+i])
		if err != nil || len(b) != len(part.dst) {
			return Keys{}, fmt.Errorf("%s is not %d hexadecimal digits", part.name, 2*len(part.dst))
		}
		copy(part.dst, b)
	}
	return keys, nil
}

func parseConnectionID(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 8 {
		return 0, fmt.Errorf("%q is not 8 hexadecimal digits", s)
	}
	return uint32(v), nil
}

// maxKeyLogLine is far above the longest line that WriteKeyLog writes.
const maxKeyLogLine = 4096

// ReadKeyLog reads all keys of a key log. Empty lines, comments (#) and lines with another label are
// skipped, so that one file may serve several protocols. A bad line with our label is an error.
func ReadKeyLog(r io.Reader) ([]Keys, error) {
	var all []Keys
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxKeyLogLine)
	for number := 1; scanner.Scan(); number++ {
		label, _, _ := strings.Cut(strings.TrimSpace(scanner.Text()), " ")
		if label != KeyLogLabel {
			continue
		}
		keys, err := ParseKeyLogLine(scanner.Text())
		if err != nil {
			return all, fmt.Errorf("key log, line %d: %w", number, err)
		}
		all = append(all, keys)
	}
	return all, scanner.Err()
}
