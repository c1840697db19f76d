// Package arena is a small game to start from: players run around and collect coins. The server is
// authoritative and has a fixed tick; clients send what they want to do and are told what happened.
//
// It shows what a real game needs:
//
//   - Unreliable messages for what is soon out of date: inputs 30 times a second, and snapshots of the
//     world. A snapshot that would have to wait is dropped (SendUnreliableNoDelay).
//   - Reliable messages for what must not get lost: joining, leaving, scores, chat.
//   - Lanes, so that the map, which is large, delays neither events nor snapshots.
//   - A tick loop over one poll group (server.go), in the manner of ISteamNetworkingSockets, and a client
//     in the manner of Go (bot.go). Either could be written the other way.
//   - A graceful end: everybody is told why, after what they still have to get.
//   - Peers that send nonsense, too much, or read too slowly.
//
// Try it:
//
//	go run ./examples/arena/server -listen :27015 -v
//	go run ./examples/arena/bot -n 8 -for 30s 127.0.0.1:27015
package arena
