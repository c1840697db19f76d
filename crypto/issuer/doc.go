// Package issuer gets certificates signed over HTTP: a client, which a gns.Sockets takes as its
// CertificateSource, and the handler of the service that it asks.
//
// # The service
//
// The service is this project's own; Valve's library knows nothing of it. What travels are Valve's
// messages. All paths are below the service's URL.
//
//	POST v1/certificate
//
// asks for a certificate. The body is a serialized CMsgSteamDatagramCertificateRequest of at most 4 KiB
// (application/octet-stream); the header "Authorization: Bearer TOKEN" says who asks. The answer is 200
// with a serialized CMsgSteamDatagramCertificateSigned, in which there is no private key, or one line of
// plain text with one of these codes:
//
//	400  the request is malformed, or names no identity where the token leaves a choice
//	401  there is no token, or it is unknown
//	403  the token may not have this identity
//	413  the request is too large
//	429  too many requests with this token; the header Retry-After says how many seconds to wait
//	503  the authority cannot sign now
//
// Two more need no token:
//
//	GET v1/trust    the authorities to trust, as text (package certfile)
//	GET v1/revoked  the revoked keys, as text
//
// They are only as trustworthy as the connection over which they come: the certificate of a web server
// vouches for them, so they are no way to find a first root.
//
// # Tokens
//
// A token is a secret that stands for the right to certain identities. The service keeps their SHA-256
// only. Whoever can read a request has the token, so the client sends none over HTTP without TLS, except
// to the machine itself.
package issuer
