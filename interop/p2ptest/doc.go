// Package p2ptest runs Valve's test program for peer-to-peer connections, test_p2p, and the servers that it needs, so that a
// peer of ours can take the place of one of its two.
//
// The program, its signaling server and its STUN and TURN server are built, or copied, by Valve's build beside the shared
// library; they are looked for in the directory of the file that GNS_LIBRARY names. Without them tests fail and
// say what to build. The two servers need Python 3.
//
// test_p2p has a simulated network: a process that uses it takes 127.0.100.x and fd7f:0:100::x for the
// Internet, and every other 127.0.x.y and fd7f:0:x::y for a private network behind a gateway, and plays the
// gateway itself. [Network] gives the same network to processes that know nothing of it: the kernel of
// a network namespace plays their gateway. So every case of Valve's own script has a meaning with one side
// of ours. Namespaces also let cases run at the same time, which all use the same addresses. They are Linux's;
// elsewhere these tests fail, as they do where a process may not make any.
package p2ptest
