// Package ice finds a path between two peers through whatever address translation lies in the way, and keeps
// finding one when paths die. It is the p2p.ICE of programs that connect by identity.
//
// Each Agent has a socket for every address of this machine, asks STUN servers how these look from outside, gets an
// address at TURN servers, and checks pairs of such addresses with those of the peer by STUN (RFC 8445). The checks
// themselves, and which pair the controlling side nominates, are github.com/pion/ice's; sockets and datagrams
// are ours, so that a path outlives a set of checks and datagrams take no detour. It interoperates with the ICE of Valve's library.
//
// # What gets through
//
//   - Both on one network, or one with a public address: directly.
//   - Address translation that keeps the port for all destinations ("cone"), on one side or both: directly, with a STUN server.
//   - Translation with a port for each destination ("symmetric") on one side: directly, if the other side has none, or one that
//     lets in what comes from any port of an address it has sent to.
//   - Symmetric on both sides, or on one with strict filtering on the other, or UDP blocked but to a relay: through a TURN server
//     only, which either side may have.
//
// # Servers
//
// STUN and TURN servers are host:port, optionally with "stun:" or "turn:" in front, over UDP. A name may have any number of addresses.
// A TURN server is used with long-term credentials. At most MaxServers of each kind are used.
//
// # Paths that die
//
// An Agent checks the path in use every second, and so notices within two or three that it is dead, if nobody tells it before
// (Agent.Suspect). It then checks all pairs anew at once, while it goes on with the old path, and takes whatever answers.
// When nothing does, it opens new sockets, asks the servers again and tells the peer its new candidates, in addition to those
// it has. Passwords stay, so AgentConfig.OnCredentials is never called and nothing depends on signals that may be slow or lost
// at the time, and datagrams are accepted from all paths that ever were checked. The same happens when an interface vanishes. When a new one appears, or
// while the path leads through a relay, better paths are looked for.
//
// # Privacy
//
// The peer learns each address that is told (AgentConfig.Tell), and those its own packets or ours show. An Agent that tells relays
// only (p2p.CandidateRelay) sends nothing but to its TURN servers: the peer learns no address of this side but the relay's.
// Any other set still sends checks from all interfaces to the addresses of the peer, as Valve's library does, so the peer may
// learn addresses that it was not told. STUN and TURN servers learn the addresses from which they are asked.
//
// # Limits
//
// UDP only; no multicast DNS names, TCP candidates or link-local addresses. At most MaxRemote candidates of the peer are known at a time, the
// newest, and MaxSockets sockets are open. Checks are paced to about a hundred a second, so that a peer who names
// addresses of others cannot do much to them.
package ice
