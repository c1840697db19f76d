// Package interop has no code of its own: its tests run this module against Valve's
// GameNetworkingSockets library, each side in a process of its own, over real UDP on loopback.
//
// The library is loaded from the file that the environment variable GNS_LIBRARY names, or by its
// plain name from where the system's loader looks. Without it the tests fail; they never skip.
//
// Tests of peers that know each other by identity (p2p*_test.go) run in network namespaces of their own, and so need Linux, and root
// or user namespaces that everybody may make, with ip, nft and nsenter. Those of package p2ptest also need Python 3 and
// Valve's test programs beside the library: configure its build with -DBUILD_TESTS=ON -DBUILD_EXAMPLES=ON.
//
// Tests of authentication need a second build of the library, which trusts another authority than
// Valve's: the one whose key is in testdata/vectors/crypto.json (pki.built_in_root), and whose private key
// everybody knows. The environment variable GNS_LIBRARY_OWN_CA names it; where it is not set those tests
// are skipped, with what it takes to make it:
//
//	cmake -G Ninja -S GameNetworkingSockets -B build-ca -DCMAKE_BUILD_TYPE=RelWithDebInfo \
//	  '-DCMAKE_CXX_FLAGS=-DSTEAMNETWORKINGSOCKETS_HARDCODED_ROOT_CA_KEY="\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c ID18229544062523766068\""'
//	ninja -C build-ca
//	export GNS_LIBRARY_OWN_CA=$PWD/build-ca/bin/libGameNetworkingSockets.so
//
// The definition is an authorized_keys line whose comment names the key by its ID. Such a build trusts that
// key alone, and is for tests only.
//
// Tests of cmd/libgns (libgns*_test.go) run programs in C++ with the library that it makes: they need make and a C and a C++ compiler, or a
// library made before, which GNS_LIBGNS names. Valve's chat program is run as it was built, beside the library, with
// -DBUILD_EXAMPLES=ON. Valve's test_connection and test_p2p are linked to a static library of Valve's: the environment variable
// GNS_SHARED_TESTS names a directory with both of them linked to the shared one, which takes nothing but two empty functions for the
// counters of test_p2p; where it is not set those tests are skipped. test_connection runs suite-quick, for three and a half minutes,
// or what the flag -libgns-upstream names, as the soak test, which takes an hour and a half:
//
//	GNS_SHARED_TESTS=/path/to/programs go test -timeout 3h -v -run TestLibgnsUpstream . -libgns-upstream soak
//
// Command losstable measures instead of testing: latency, goodput and overhead of reliable messages
// over a network that loses packets, for every combination of the two implementations:
//
//	GNS_LIBRARY=/path/to/libGameNetworkingSockets.so go run ./cmd/losstable -o results.jsonl
//	go run ./cmd/losstable -table results.jsonl
package interop
