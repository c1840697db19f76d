// Package rendezvous has the signals by which two peers that know each other by identity find each other: small messages that
// somebody carries between them, unreliably (CMsgSteamNetworkingP2PRendezvous). It reads and checks them, keeps
// the small reliable stream inside them in which ICE's credentials and candidates travel, and knows the rules that
// both peers must apply in the same way: who of two that call each other is the server, and what the ICE user name is.
//
// It keeps no connection state beyond that stream and reads no clock.
package rendezvous
