// Package pb has the protobuf messages of Valve's GameNetworkingSockets protocol (version 13): the
// handshake of UDP connections, certificates and key exchange, inline statistics, and the rendezvous
// messages of peer-to-peer connections.
//
// Message names, field names, numbers and wire types are those on the wire. The protobuf package is
// "gogns" and the files register as "gogns/...", so that a program may link this package beside
// another that registers Valve's own definitions.
//
// Three things to know when using the messages:
//
//   - Everything is proto2 and optional. Presence matters in places (an empty ca_signature is not an
//     absent one), so test pointers and slices against nil rather than values against zero.
//   - Valve's library does not require strings to be UTF-8, and neither does the generated code here.
//   - Enums are closed in proto2, but generated Go code keeps numbers it does not know. Valve's library
//     drops them while parsing; a reader here must do so itself.
//
// The .pb.go files are generated from the .proto files beside them by internal/tools/protogen.
package pb
