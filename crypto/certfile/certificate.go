package certfile

import (
	"errors"
	"fmt"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

const (
	maxCertText = 256 << 10 // characters of a single certificate
	certWidth   = 72        // characters per line, as Valve's tools have it
)

// ParseCertificate reads an armored certificate of type STEAMDATAGRAM CERT and returns the serialized
// CMsgSteamDatagramCertificateSigned. What follows the armor is ignored. Nothing is verified but that
// there is a certificate. Tools of others may have put a private key into it, see crypto.EmbeddedKey.
func ParseCertificate(text []byte) (signed []byte, err error) {
	if len(text) > maxCertText {
		return nil, fmt.Errorf("certificate of %d characters, more than %d", len(text), maxCertText)
	}
	b, err := onlyBlock(text, typeCertificate)
	if err != nil {
		return nil, err
	}
	return decodeCertificate(b.body)
}

func decodeCertificate(body []byte) ([]byte, error) {
	signed, err := decodeBase64(body, false)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if _, err := outerCertificate(signed); err != nil {
		return nil, err
	}
	return signed, nil
}

func outerCertificate(signed []byte) (*pb.CMsgSteamDatagramCertificateSigned, error) {
	var outer pb.CMsgSteamDatagramCertificateSigned
	if err := proto.Unmarshal(signed, &outer); err != nil {
		return nil, fmt.Errorf("signed certificate of %d bytes does not parse", len(signed))
	}
	if outer.Cert == nil {
		return nil, errors.New("signed certificate contains no certificate")
	}
	return &outer, nil
}

// FormatCertificate writes a serialized CMsgSteamDatagramCertificateSigned as armored text, with LF, and
// after it the lines of information, each behind a '#'. A certificate with a private key in it is
// refused: this text is made to be given away.
func FormatCertificate(signed []byte, info ...string) ([]byte, error) {
	outer, err := outerCertificate(signed)
	if err != nil {
		return nil, err
	}
	if outer.PrivateKeyData != nil {
		return nil, errors.New("certificate has a private key in it")
	}
	if len(signed) > maxCertText/2 {
		return nil, fmt.Errorf("certificate of %d bytes", len(signed))
	}
	text := appendBlock(nil, typeCertificate, signed, certWidth)
	for _, line := range info {
		text = append(text, "#"+cleanComment(line)+"\n"...)
	}
	return text, nil
}

// ParseRequest reads an armored certificate request (type STEAMDATAGRAM REQUEST) and returns the
// serialized CMsgSteamDatagramCertificateRequest, see crypto.CertificateRequest.
func ParseRequest(text []byte) ([]byte, error) {
	if len(text) > maxCertText {
		return nil, fmt.Errorf("certificate request of %d characters, more than %d", len(text), maxCertText)
	}
	b, err := onlyBlock(text, typeRequest)
	if err != nil {
		return nil, err
	}
	return decodeRequest(b.body)
}

func decodeRequest(body []byte) ([]byte, error) {
	request, err := decodeBase64(body, false)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return request, checkRequest(request)
}

func checkRequest(request []byte) error {
	var msg pb.CMsgSteamDatagramCertificateRequest
	if err := proto.Unmarshal(request, &msg); err != nil || msg.Cert == nil {
		return fmt.Errorf("certificate request of %d bytes does not parse", len(request))
	}
	return nil
}

// FormatRequest writes a serialized CMsgSteamDatagramCertificateRequest as armored text, with LF. Valve's
// tools know no text form for it; the binary one is what their library makes.
func FormatRequest(request []byte) ([]byte, error) {
	if err := checkRequest(request); err != nil {
		return nil, err
	}
	if len(request) > maxCertText/2 {
		return nil, fmt.Errorf("certificate request of %d bytes", len(request))
	}
	return appendBlock(nil, typeRequest, request, certWidth), nil
}
