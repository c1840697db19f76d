// Valvepeer is one peer of an interoperability test, for use by hand: it runs Valve's library, reads
// commands as JSON lines from standard input and writes events as JSON lines to standard output. The
// commands are those of package peer, for example
//
//	{"id":1,"do":"listen","addr":"127.0.0.1:27015"}
//	{"id":2,"do":"connect","addr":"127.0.0.1:27015","options":["NagleTime=0"]}
//	{"id":3,"do":"send","conn":1234,"flags":8,"hex":"68656c6c6f"}
//	{"id":4,"do":"mode","conn":1234,"mode":"echo"}
//	{"id":5,"do":"close","conn":1234,"reason":1000,"text":"bye","linger":true}
//
// Incoming connections are accepted unless -manual is given. The library is loaded from the file
// that the environment variable GNS_LIBRARY names.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/gogns/gns/interop/peer"
)

func main() {
	var o peer.Options
	kind := flag.String("kind", string(peer.Valve), fmt.Sprintf("implementation, one of %v", peer.Kinds()))
	flag.StringVar(&o.Identity, "identity", "", "own identity, such as str:me; empty: anonymous")
	flag.IntVar(&o.Debug, "debug", 5, "level of the library's log on standard error, 1 to 8")
	flag.BoolVar(&o.Manual, "manual", false, "do not accept incoming connections")
	flag.Func("config", "process-wide setting Name=value (repeatable)", func(s string) error {
		o.Config = append(o.Config, s)
		return nil
	})
	flag.Parse()
	o.Kind = peer.Kind(*kind)
	if err := peer.Serve(o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
