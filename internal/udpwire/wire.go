// Package udpwire frames the datagrams of GameNetworkingSockets' direct UDP transport: the lead byte
// that tells messages apart, the two framings of handshake messages, the header of data packets, and
// the challenge that proves a client's address.
//
// It holds no connection state and reads no clock. Names follow Valve's messages
// (CMsgSteamSockets_UDP_…) and lead bytes.
package udpwire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Limits of the direct UDP transport.
const (
	// MaxDatagram is the largest UDP payload that either side ever sends.
	MaxDatagram = 1300
	// MinDatagram is the shortest payload a receiver looks at; shorter ones are dropped unseen.
	MinDatagram = 5
	// MinPadded is the least total length of a padded message. It makes requests from unverified
	// addresses larger than any reply to them, so that a server cannot be used as an amplifier.
	MinPadded = 512
)

// Kind is the kind of a datagram, as its lead byte tells it.
type Kind uint8

// Lead bytes. Every value with the top bit set is a data packet.
const (
	KindInvalid          Kind = 0
	KindChallengeRequest Kind = 32 // client to server, padded
	KindChallengeReply   Kind = 33 // server to client
	KindConnectRequest   Kind = 34 // client to server
	KindConnectOK        Kind = 35 // server to client
	KindConnectionClosed Kind = 36 // both ways, padded
	KindNoConnection     Kind = 37 // both ways
	KindData             Kind = 0x80
)

// String returns Valve's name of the message.
func (k Kind) String() string {
	switch k {
	case KindChallengeRequest:
		return "ChallengeRequest"
	case KindChallengeReply:
		return "ChallengeReply"
	case KindConnectRequest:
		return "ConnectRequest"
	case KindConnectOK:
		return "ConnectOK"
	case KindConnectionClosed:
		return "ConnectionClosed"
	case KindNoConnection:
		return "NoConnection"
	case KindData:
		return "Data"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// KindOf classifies a datagram by its lead byte: KindData for any with the top bit set, KindInvalid
// for an unassigned lead byte or a datagram shorter than MinDatagram.
func KindOf(datagram []byte) Kind {
	if len(datagram) < MinDatagram {
		return KindInvalid
	}
	b := datagram[0]
	switch {
	case b&0x80 != 0:
		return KindData
	case b >= byte(KindChallengeRequest) && b <= byte(KindNoConnection):
		return Kind(b)
	}
	return KindInvalid
}

// padded reports whether messages of this kind use the padded framing.
func (k Kind) padded() bool { return k == KindChallengeRequest || k == KindConnectionClosed }

// Errors of Parse. They say why a datagram is not a message; all of them mean "drop it".
var (
	ErrTooShort   = errors.New("udpwire: datagram is shorter than its framing requires")
	ErrBadLength  = errors.New("udpwire: padded message has an impossible length field")
	ErrBadMessage = errors.New("udpwire: protobuf does not parse")
)

// AppendMessage appends a handshake or closing message with the framing of its kind:
//
//	plain   [kind][protobuf …]
//	padded  [kind][length, 2 bytes little endian][protobuf …][zeros up to MinPadded]
func AppendMessage(dst []byte, kind Kind, m proto.Message) ([]byte, error) {
	start := len(dst)
	dst = append(dst, byte(kind))
	if kind.padded() {
		dst = append(dst, 0, 0)
	}
	body := len(dst)
	dst, err := proto.MarshalOptions{}.MarshalAppend(dst, m)
	if err != nil {
		return dst[:start], fmt.Errorf("udpwire: encode %v: %w", kind, err)
	}
	if !kind.padded() {
		return dst, nil
	}
	binary.LittleEndian.PutUint16(dst[start+1:], uint16(len(dst)-body))
	if pad := MinPadded - (len(dst) - start); pad > 0 {
		dst = append(dst, make([]byte, pad)...)
	}
	return dst, nil
}

// ParseMessage decodes the protobuf of a message of the given kind into m. What is behind the
// protobuf of a padded message is not looked at.
func ParseMessage(datagram []byte, kind Kind, m proto.Message) error {
	body := datagram
	if kind.padded() {
		if len(datagram) < MinPadded {
			return ErrTooShort
		}
		n := int(binary.LittleEndian.Uint16(datagram[1:]))
		if n == 0 || n+3 > len(datagram) {
			return ErrBadLength
		}
		body = datagram[3 : 3+n]
	} else {
		if len(datagram) < 1 {
			return ErrTooShort
		}
		body = datagram[1:]
	}
	if err := proto.Unmarshal(body, m); err != nil {
		return fmt.Errorf("%w: %v: %w", ErrBadMessage, kind, err)
	}
	return nil
}
