package crypto

import "fmt"

// FailureReason is the reason with which a connection ends when its handshake fails. The numbers are
// Valve's (ESteamNetConnectionEnd).
type FailureReason int

// The reasons.
const (
	ReasonBadCrypt           FailureReason = 4002 // Remote_BadCrypt
	ReasonBadCert            FailureReason = 4003 // Remote_BadCert
	ReasonBadProtocolVersion FailureReason = 4006 // Remote_BadProtocolVersion
	ReasonInternalError      FailureReason = 5002 // Misc_InternalError
)

// String returns Valve's name of the reason without its prefix.
func (r FailureReason) String() string {
	switch r {
	case ReasonBadCrypt:
		return "Remote_BadCrypt"
	case ReasonBadCert:
		return "Remote_BadCert"
	case ReasonBadProtocolVersion:
		return "Remote_BadProtocolVersion"
	case ReasonInternalError:
		return "Misc_InternalError"
	default:
		return fmt.Sprintf("FailureReason(%d)", int(r))
	}
}

// Check names the step of the handshake that failed.
type Check uint8

// The checks, in the order in which they are made.
const (
	CheckLocalCert       Check = iota // a certificate of our own can be had
	CheckPresence                     // certificate and crypt info are there
	CheckCASignature                  // the authority's signature is good, if there is one
	CheckCertParse                    // the certificate parses
	CheckIdentity                     // the certificate's identity is that of the peer
	CheckAppID                        // the certificate is for our app
	CheckAddress                      // the certificate is for the peer's address
	CheckUnsigned                     // the policy allows the certificate
	CheckInfoSignature                // the crypt info was signed by the certificate's key
	CheckInfoParse                    // the crypt info parses
	CheckReplay                       // the crypt info did not serve another connection before
	CheckProtocolVersion              // the peer's version will do
	CheckCipherCount                  // the server chose one cipher
	CheckCipher                       // there is a cipher in common
	CheckKeyExchange                  // the X25519 keys give a secret
)

func (c Check) String() string {
	names := [...]string{
		"local certificate", "presence", "CA signature", "certificate", "identity", "app id", "address", "unsigned certificate",
		"crypt info signature", "crypt info", "replay", "protocol version", "cipher list", "cipher", "key exchange",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("Check(%d)", uint8(c))
}

// HandshakeError is what every failure of a Handshake returns.
type HandshakeError struct {
	Reason FailureReason
	Check  Check
	Text   string // what was wrong and with what value; fit for the debug text of the end of a connection
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("crypto handshake: %v: %s", e.Check, e.Text)
}

func failure(reason FailureReason, check Check, format string, args ...any) *HandshakeError {
	return &HandshakeError{reason, check, fmt.Sprintf(format, args...)}
}
