// Command server runs an arena until it is interrupted.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"

	"github.com/gogns/gns/examples/arena"
	"github.com/gogns/gns/metrics"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run() error {
	var opts arena.ServerOptions
	listen := flag.String("listen", "[::]:27015", "UDP address to listen on")
	flag.IntVar(&opts.TickRate, "tick", 30, "ticks per second")
	flag.IntVar(&opts.MaxPlayers, "players", 64, "most players at a time")
	flag.Uint64Var(&opts.Seed, "seed", 1, "of the world")
	watch := flag.String("metrics", "", "TCP address to serve metrics on, at /metrics")
	verbose := flag.Bool("v", false, "log more")
	flag.Parse()

	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	opts.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	var err error
	if opts.Listen, err = netip.ParseAddrPort(*listen); err != nil {
		return err
	}
	server, err := arena.NewServer(opts)
	if err != nil {
		return err
	}
	if *watch != "" {
		var set metrics.Set
		set.Add("arena", server.Sockets())
		http.Handle("/metrics", &set)
		go func() { opts.Logger.Error("metrics", "err", http.ListenAndServe(*watch, nil)) }()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return server.Run(ctx)
}
