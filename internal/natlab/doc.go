// Package natlab is a small internet on one machine, for tests: hosts, LANs, and routers that translate addresses in every way that
// peers meet, made of the network namespaces, virtual cables and nftables of Linux. Packets go through the very code of
// the kernel that translates addresses in real routers.
//
// A test makes a Lab, puts sites into it, runs programs on hosts, and takes interfaces away and gives them back:
//
//	l := natlab.New(t)
//	router := l.Router("home", natlab.Symmetric)
//	host := l.Host("laptop", router.LAN("192.168.1.1/24"), l.Internet())
//	host.Command(ctx, "program", "argument").Run()
//	host.Links[0].Unplug()
//
// The internet can lose and delay packets, without the kernel's means for that, which are not everywhere.
//
// Its own tests find out first that each kind of NAT is what it says, and then let two Go peers connect through all of them, directly or
// by a TURN server, with interfaces going away in between. They need root, iproute2, nftables, procps and coturn (on Debian: packages of
// these names) and run only if they are told so:
//
//	go test ./internal/natlab -natlab
//
// With -v they print a table of the routes taken. What is missing then is a failure. Without the flag they are skipped. Everything is
// made in new network namespaces whose names begin with natlab-, so nothing of the machine's own network changes; they are
// removed in the end, and what a killed run left behind is removed by the next.
package natlab
