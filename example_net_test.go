package gns_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/gogns/gns"
)

// Package net/http over a gns connection: whatever wants a net.Listener and net.Conns works.
func ExampleListener_NetListener() {
	l, err := gns.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "you asked for %s", r.URL.Path)
	})}
	go server.Serve(l.NetListener())

	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			c, err := gns.Dial(ctx, address)
			if err != nil {
				return nil, err
			}
			return c.NetConn(), nil
		},
	}}
	res, err := client.Get("http://" + l.Addr().String() + "/scores")
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	fmt.Printf("%s\n", body)
	client.CloseIdleConnections()
	server.Shutdown(context.Background())
	// Output:
	// you asked for /scores
}
