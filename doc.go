// Package gns speaks the protocol of Valve's GameNetworkingSockets: encrypted, message-oriented
// connections over UDP, with reliable and unreliable messages. A peer that uses Valve's open-source
// library cannot tell the difference, in either role.
//
// # Two ways to use it
//
// [Dial], [Listen], [Conn] and [Listener] are for Go programs that like to wait: every call that can
// take long has a context.
//
//	l, err := gns.Listen(":27015")
//	for c, err := range l.Connections(ctx) {
//		if err != nil {
//			return err
//		}
//		go serve(c) // for m, err := range c.Messages(ctx) { … }
//	}
//
// [Sockets] has Valve's API (ISteamNetworkingSockets, and luasteam's networkingSockets): handles,
// polling, and callbacks that run when the program says so. Its methods have the documented names
// without "Get" prefixes. [Sockets.Wait] lets a polling loop sleep until there is something to do.
//
// Both can be used on the same connections; [Conn.Handle] and [Sockets.Conn] lead from one to the other.
// [Conn.NetConn] and [Listener.NetListener] are for code that wants streams of bytes, such as net/http.
//
// # Messages
//
// A message is up to [MaxMessageSize] bytes and arrives whole or not at all. Reliable messages arrive
// exactly once and in the order in which they were sent on their lane. Unreliable messages may be lost,
// repeated or reordered. Messages wait up to NagleTime (5 ms) for others to share a packet with, unless
// sent with [SendNoNagle].
//
// Sending copies and never blocks; what cannot be sent yet waits in a buffer of SendBufferSize bytes, and
// when that is full [ErrLimitExceeded] says so. [Conn.SendContext] waits for room.
//
// # The end
//
// [Conn.Close] delivers what was sent reliably and says whether that worked. [Conn.Shutdown] and
// [Listener.Shutdown] do so with a limit, and with a reason for the peer; a program may exit when they
// return. [Conn.CloseWithReason] does not wait. Functions that fail because a connection has ended return a
// [*CloseError].
//
// # Send rate
//
// A connection sends at a fixed rate between SendRateMin and SendRateMax of package config, by default
// 256 KiB per second, as Valve's library does. Programs that move much data raise both.
//
// # Peers without addresses
//
// [DialP2P], [ListenP2P], [Sockets.ConnectP2P] and [Sockets.CreateListenSocketP2P] connect peers that know each other by identity,
// wherever they are: signals, small messages that a service carries, let them find each other, and ICE finds a path
// through whatever address translation lies between them, or through a relay. Both come from packages of their own, for
// [Options.ICE] and [Options.Signaling], so that programs that use addresses alone do not have them: transport/ice, and those below
// signaling. [Sockets.ConnectP2PCustomSignaling] and [Sockets.ReceivedP2PCustomSignal] are for signals that the
// program carries itself.
//
// [Sockets.Messages] is for programs that would rather write to such peers than connect to them.
//
// # Security
//
// Connections are encrypted with AES-256-GCM under keys that are made for each of them. Without a
// certificate authority, identities are claims: [ConnectionInfo] has [InfoUnauthenticated] set, and
// somebody between the two peers could read and change everything. This is all that Valve's open-source
// library offers.
//
// With an authority, [Options.TrustedCAs], peers are refused for whom it does not vouch, and
// [WithExpectedIdentity] connects to nobody but the one meant; ConnectionInfo.Auth says how far a peer is
// verified. The command snpcert makes authorities and certificates, [EmbeddedCA] is one inside a process, and
// a [CertificateSource] keeps certificates from expiring.
//
// # What happens inside
//
// Log records at level Info tell the life of connections and listen sockets; see [Options.Logger].
// [Sockets.Metrics] counts, [Sockets.DetailedConnectionStatus] describes one connection for people, and
// [Options.KeyLog] lets tools decrypt a capture.
//
// # Concurrency
//
// Everything is safe for concurrent use. There is no global state: any number of [Sockets] live side by
// side. No callback runs with a lock held, nor does a [Signaling]; only the [slog.Handler] of a logger and the writer of a key
// log do, and must not call back into this package.
package gns
