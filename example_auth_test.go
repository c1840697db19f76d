package gns_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gogns/gns"
)

// A server and a client that are certain of each other. The authority is in the process here; outside of tests
// certificates come from files that snpcert has made, or from its service.
func ExampleEmbeddedCA() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ca, err := gns.NewEmbeddedCA(time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	trust := gns.WithTrustedCAs(ca.TrustedCAs()...)

	l, err := gns.Listen("127.0.0.1:0", trust, gns.WithRequireAuth(),
		gns.WithIdentity(gns.GenericString("server")), gns.WithCertificateSource(ca))
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		for c, err := range l.Connections(ctx) {
			if err != nil {
				return
			}
			m, err := c.Receive(ctx)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%v says %q, which is %v\n", c.RemoteIdentity(), m.Data, c.Info().Auth.Assurance)
			c.Close()
		}
	}()

	c, err := gns.Dial(ctx, l.Addr().String(), trust, gns.WithExpectedIdentity(gns.GenericString("server")),
		gns.WithIdentity(gns.GenericString("alice")), gns.WithCertificateSource(ca))
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Send([]byte("hello"), gns.SendReliable); err != nil {
		log.Fatal(err)
	}
	<-c.Done()
	c.Close()

	_, err = gns.Dial(ctx, l.Addr().String(), gns.WithIdentity(gns.GenericString("alice")))
	fmt.Println(err != nil)
	// Output:
	// str:alice says "hello", which is proven
	// true
}
