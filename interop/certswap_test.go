package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/internal/udpwire"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// withCert returns a handshake message with another signed certificate in it, and an identity beside that
// unless it is empty; any other datagram as it is.
func withCert(datagram, signed []byte, beside string) ([]byte, error) {
	var cert pb.CMsgSteamDatagramCertificateSigned
	if err := proto.Unmarshal(signed, &cert); err != nil {
		return nil, err
	}
	switch kind := udpwire.KindOf(datagram); kind {
	case udpwire.KindConnectRequest:
		var m pb.CMsgSteamSockets_UDP_ConnectRequest
		if err := udpwire.ParseMessage(datagram, kind, &m); err != nil {
			return nil, err
		}
		m.Cert = &cert
		if beside != "" {
			m.IdentityString = &beside
		}
		return udpwire.AppendMessage(nil, kind, &m)
	case udpwire.KindConnectOK:
		var m pb.CMsgSteamSockets_UDP_ConnectOK
		if err := udpwire.ParseMessage(datagram, kind, &m); err != nil {
			return nil, err
		}
		m.Cert = &cert
		if beside != "" {
			m.IdentityString = &beside
		}
		return udpwire.AppendMessage(nil, kind, &m)
	default:
		return datagram, nil
	}
}

// certOf returns the signed certificate in a handshake message, nil for any other datagram.
func certOf(datagram []byte) (*pb.CMsgSteamDatagramCertificateSigned, error) {
	switch kind := udpwire.KindOf(datagram); kind {
	case udpwire.KindConnectRequest:
		var m pb.CMsgSteamSockets_UDP_ConnectRequest
		err := udpwire.ParseMessage(datagram, kind, &m)
		return m.Cert, err
	case udpwire.KindConnectOK:
		var m pb.CMsgSteamSockets_UDP_ConnectOK
		err := udpwire.ParseMessage(datagram, kind, &m)
		return m.Cert, err
	default:
		return nil, nil
	}
}

// unsignedMessage is the message around a certificate that nobody signed.
func unsignedMessage(t *testing.T, raw []byte) []byte {
	t.Helper()
	b, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{Cert: raw})
	require.NoError(t, err)
	return b
}
