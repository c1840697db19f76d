// Package nats carries signals over NATS, for as many peers as there are: one server for a single machine, which
// programs can run inside themselves (RunServer), or a cluster of them elsewhere, by URL.
//
// Every identity has a subject. A signal from str:alice to str:bob is a message with the subject
//
//	gns.signal.str:bob.str:alice
//
// and the signal as it is for payload. Whoever is str:bob subscribes to gns.signal.str:bob.*. Servers keep nothing but who
// is connected: one that starts again loses nothing but what is on its way.
//
// Messages ask for an answer at gns.absent.str:alice.str:bob. Peers never answer, but the server to which
// alice is connected does, at once, when nobody has subscribed to what the message is for: then alice is told that bob is
// unreachable.
//
// # Who is who
//
// Where the server permits each client only the subjects of its own identity (see Permissions), the identity
// that a signal comes with is authentic. The server of RunServer does so, and with a store of trusted
// authorities it asks each client for its certificate and a proof that it has the key. Other servers are to be
// configured accordingly, as README.md describes. Without, anybody can claim to be anybody.
package nats
