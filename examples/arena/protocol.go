package arena

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The lanes on which the server sends. A lower one always goes first.
const (
	laneEvents    = 0
	laneSnapshots = 1
	laneMap       = 2
)

// lanePriorities are for Sockets.ConfigureConnectionLanes.
var lanePriorities = []int{laneEvents: 0, laneSnapshots: 1, laneMap: 2}

// End reasons of this game; an application has 1000…1999 for ordinary ends and 2000…2999 for others.
const (
	EndShutdown  = 1001 // the server is shutting down
	EndFull      = 1002 // the arena is full
	EndBadPlayer = 2001 // the client does not speak the protocol
	EndTooSlow   = 2002 // the client does not take what it is sent
)

// kind is the first byte of every message.
type kind byte

const (
	// From the client.
	kindHello kind = iota + 1 // reliable: the name
	kindInput                 // unreliable: input
	kindSay                   // reliable: text for everybody
	// From the server.
	kindWelcome  // reliable: welcome
	kindMap      // reliable: the map
	kindSnapshot // unreliable: header and actors
	kindEvent    // reliable: event and text
)

// input is what a player wants to do. Number counts up, since inputs may arrive out of order.
type input struct {
	Number uint32
	DX, DY int8
}

// welcome tells a player who it is.
type welcome struct {
	ID       uint16
	TickRate uint16
	MapSize  uint32
}

// snapshot is the state of the world at one tick; that many actors follow.
type snapshot struct {
	Tick   uint32
	Actors uint16
}

// actor is a player as others see it.
type actor struct {
	ID    uint16
	X, Y  int16
	Score uint16
}

// EventKind says what happened.
type EventKind byte

// Events.
const (
	EventJoined EventKind = iota + 1 // Text is the player's name
	EventLeft
	EventScored
	EventSaid // Text is what
)

// event is something that happened; a text may follow.
type event struct {
	Kind   EventKind
	Player uint16
}

// encode writes a message: its kind, a value of fixed size (or nil), and more.
func encode(k kind, fixed any, more []byte) []byte {
	b := []byte{byte(k)}
	if fixed != nil {
		b = appendFixed(b, fixed)
	}
	return append(b, more...)
}

// appendFixed appends a value of fixed size.
func appendFixed(b []byte, fixed any) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, fixed) // fails only for types that have none
	return b
}

var errEmpty = errors.New("empty message")

// open splits a message.
func open(message []byte) (kind, []byte, error) {
	if len(message) == 0 {
		return 0, nil, errEmpty
	}
	return kind(message[0]), message[1:], nil
}

// decode reads a value of fixed size and returns what follows.
func decode(body []byte, fixed any) (more []byte, err error) {
	n, err := binary.Decode(body, binary.LittleEndian, fixed)
	if err != nil {
		return nil, fmt.Errorf("%d bytes are too few for %T", len(body), fixed)
	}
	return body[n:], nil
}
