package certfile

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
)

// Record is what Valve's certtool tells about one key with --output-json.
type Record struct {
	PublicKey   ed25519.PublicKey  // nil if there is a certificate only
	PrivateKey  ed25519.PrivateKey // nil if there is none
	Certificate []byte             // serialized CMsgSteamDatagramCertificateSigned; nil if there is none
}

// JSON has the keys of certtool's output, in its words. Only the keys and the certificate count; the
// other values repeat what is in the certificate.
type JSON struct {
	PublicKeyID       string   `json:"public_key_id,omitempty"` // decimal
	PublicKey         string   `json:"public_key,omitempty"`    // as in authorized_keys
	PrivateKey        string   `json:"private_key,omitempty"`   // armored
	Certificate       string   `json:"cert,omitempty"`          // base64
	CAKeyID           string   `json:"ca_key_id,omitempty"`     // decimal
	AppIDs            []uint32 `json:"app_ids,omitempty"`
	POPIDs            []string `json:"pop_ids,omitempty"`
	TimeCreated       uint32   `json:"time_created,omitempty"` // Unix seconds
	TimeCreatedString string   `json:"time_created_string,omitempty"`
	TimeExpiry        uint32   `json:"time_expiry,omitempty"` // Unix seconds
	TimeExpiryString  string   `json:"time_expiry_string,omitempty"`
}

// NewJSON tells about a record what certtool would. The public key is taken from the private key or the
// certificate if the record has none. Times are in UTC.
func NewJSON(r Record) (*JSON, error) {
	j := &JSON{}
	public := r.PublicKey
	if r.PrivateKey != nil {
		if err := adopt(&public, publicHalf(r.PrivateKey), "private key"); err != nil {
			return nil, err
		}
		text, err := FormatPrivateKey(r.PrivateKey, "", nil)
		if err != nil {
			return nil, err
		}
		j.PrivateKey = string(text)
		clear(text)
	}
	if r.Certificate != nil {
		if err := adopt(&public, certifiedKey(r.Certificate), "certificate"); err != nil {
			return nil, err
		}
		if err := j.describe(r.Certificate); err != nil {
			return nil, err
		}
	}
	if len(public) != ed25519.PublicKeySize {
		return nil, errors.New("record without a key")
	}
	j.PublicKeyID = strconv.FormatUint(crypto.KeyID(public), 10)
	j.PublicKey = publicKeyText(public)
	return j, nil
}

// publicHalf returns nil for what is no private key.
func publicHalf(key ed25519.PrivateKey) ed25519.PublicKey {
	if len(key) != ed25519.PrivateKeySize {
		return nil
	}
	return ed25519.PublicKey(key[ed25519.SeedSize:])
}

// adopt sets a public key, or compares if it is set.
func adopt(public *ed25519.PublicKey, key ed25519.PublicKey, of string) error {
	switch {
	case len(key) != ed25519.PublicKeySize:
		return fmt.Errorf("%s has no Ed25519 key", of)
	case *public == nil:
		*public = key
	case !public.Equal(key):
		return fmt.Errorf("%s does not belong to the public key", of)
	}
	return nil
}

func (j *JSON) describe(signed []byte) error {
	outer, err := outerCertificate(signed)
	if err != nil {
		return err
	}
	if outer.PrivateKeyData != nil {
		return errors.New("certificate has a private key in it")
	}
	cert, err := innerCertificate(signed)
	if err != nil {
		return err
	}
	j.Certificate = base64.StdEncoding.EncodeToString(signed)
	j.CAKeyID = strconv.FormatUint(outer.GetCaKeyId(), 10)
	j.AppIDs = cert.GetAppIds()
	for _, id := range cert.GetGameserverDatacenterIds() {
		j.POPIDs = append(j.POPIDs, pki.POP(id).String())
	}
	j.TimeCreated, j.TimeCreatedString = cert.GetTimeCreated(), ctime(cert.GetTimeCreated())
	j.TimeExpiry, j.TimeExpiryString = cert.GetTimeExpiry(), ctime(cert.GetTimeExpiry())
	return nil
}

// ctime writes a time like the C function of that name, in UTC.
func ctime(seconds uint32) string {
	return time.Unix(int64(seconds), 0).UTC().Format(time.ANSIC)
}

// ParseJSON reads what Valve's certtool prints with --output-json. Keys, key ids and the certificate must
// belong together. What else there is repeats the certificate, and is ignored.
func ParseJSON(text []byte) (Record, error) {
	r, _, err := parseJSON(text, nil, maxRounds)
	return r, err
}

func parseJSON(text, passphrase []byte, rounds uint32) (r Record, locked ed25519.PublicKey, err error) {
	if len(text) > maxBundle {
		return Record{}, nil, fmt.Errorf("JSON of %d characters, more than %d", len(text), maxBundle)
	}
	var j struct { // numbers left out: certtool's are doubles, of uncertain precision
		PublicKeyID *string `json:"public_key_id"`
		PublicKey   *string `json:"public_key"`
		PrivateKey  *string `json:"private_key"`
		Certificate *string `json:"cert"`
		CAKeyID     *string `json:"ca_key_id"`
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return Record{}, nil, fmt.Errorf("certificate in JSON: %w", jsonError(err))
	}
	if j.PublicKey == nil && j.PrivateKey == nil && j.Certificate == nil {
		return Record{}, nil, errors.New("JSON has neither public_key nor private_key nor cert")
	}
	b := &Bundle{}
	defer func() {
		if err != nil {
			b.Wipe()
		}
	}()
	if j.PublicKey != nil {
		if r.PublicKey, _, err = ParsePublicKey([]byte(*j.PublicKey)); err != nil {
			return Record{}, nil, fmt.Errorf("public_key: %w", err)
		}
	}
	public := r.PublicKey
	var lockedErr error
	if j.PrivateKey != nil {
		blk, err := onlyBlock([]byte(*j.PrivateKey), typePrivateKey)
		if err != nil {
			return Record{}, nil, fmt.Errorf("private_key: %w", err)
		}
		if lockedErr = b.addPrivateKey(blk.body, passphrase, rounds); lockedErr != nil && !errors.Is(lockedErr, ErrPassphrase) {
			return Record{}, nil, fmt.Errorf("private_key: %w", lockedErr)
		}
		clear(blk.body)
	}
	if j.Certificate != nil {
		signed, err := decodeBase64([]byte(*j.Certificate), false)
		if err == nil {
			err = b.addCertificate(signed)
		}
		if err != nil {
			return Record{}, nil, fmt.Errorf("cert: %w", err)
		}
		r.Certificate = b.Certificates[0]
		if err := adopt(&public, certifiedKey(r.Certificate), "cert"); err != nil {
			return Record{}, nil, err
		}
		outer, err := outerCertificate(r.Certificate)
		if err != nil {
			return Record{}, nil, err
		}
		if j.CAKeyID != nil && *j.CAKeyID != strconv.FormatUint(outer.GetCaKeyId(), 10) {
			return Record{}, nil, fmt.Errorf("ca_key_id is %q, but cert was signed by key %d", clip(*j.CAKeyID), outer.GetCaKeyId())
		}
	}
	for _, half := range []ed25519.PublicKey{publicHalf(b.PrivateKey), b.LockedKey} {
		if half != nil {
			if err := adopt(&public, half, "private_key"); err != nil {
				return Record{}, nil, err
			}
		}
	}
	if j.PublicKeyID != nil && *j.PublicKeyID != strconv.FormatUint(crypto.KeyID(public), 10) {
		return Record{}, nil, fmt.Errorf("public_key_id is %q, but the key's is %d", clip(*j.PublicKeyID), crypto.KeyID(public))
	}
	r.PublicKey, r.PrivateKey = public, b.PrivateKey
	return r, b.LockedKey, lockedErr
}

// jsonError leaves out what the decoder quotes of the text, which may be part of a secret.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("syntax error at offset %d", syntax.Offset)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%s is not a string", kind.Field)
	}
	return errors.New("does not parse")
}

// FormatJSON writes a record as certtool does with --output-json, private key included. Who wants it
// without leaves the private key out of the record.
func FormatJSON(r Record) ([]byte, error) {
	j, err := NewJSON(r)
	if err != nil {
		return nil, err
	}
	return j.Format()
}

// Format writes the object as indented text.
func (j *JSON) Format() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(j)
	return out.Bytes(), err
}

// addJSON adds what certtool printed as JSON.
func (b *Bundle) addJSON(text, passphrase []byte, rounds uint32) error {
	r, locked, err := parseJSON(text, passphrase, rounds)
	if err != nil && !errors.Is(err, ErrPassphrase) {
		return err
	}
	b.PrivateKey, b.LockedKey = r.PrivateKey, locked
	if r.Certificate != nil {
		b.Certificates = [][]byte{r.Certificate}
	} else {
		b.PublicKeys = []PublicKey{{Key: r.PublicKey}}
	}
	return err
}
