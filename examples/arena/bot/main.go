// Command bot lets bots play in an arena.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/examples/arena"
)

func main() {
	bots := flag.Int("n", 1, "number of bots")
	name := flag.String("name", "bot", "of the bots, to which a number is added")
	length := flag.Duration("for", 0, "how long they play; 0: until the server ends it, or an interrupt")
	lag := flag.Int("lag", 0, "simulated lag, ms each way")
	loss := flag.Float64("loss", 0, "simulated loss, percent each way")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: bot [flags] HOST:PORT\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *length > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	network := gns.WithConfig(
		config.Int32(config.FakePacketLagSend, int32(*lag)), config.Int32(config.FakePacketLagRecv, int32(*lag)),
		config.Float(config.FakePacketLossSend, float32(*loss)), config.Float(config.FakePacketLossRecv, float32(*loss)))

	var group sync.WaitGroup
	failed := make(chan bool, *bots)
	for i := range *bots {
		group.Go(func() {
			if err := play(ctx, flag.Arg(0), fmt.Sprintf("%s%d", *name, i+1), network); err != nil {
				fmt.Fprintln(os.Stderr, "bot:", err)
				failed <- true
			}
		})
	}
	group.Wait()
	if len(failed) > 0 {
		os.Exit(1)
	}
}

// play is the life of one bot.
func play(ctx context.Context, address, name string, opts ...gns.Option) error {
	bot, err := arena.DialBot(ctx, address, name, opts...)
	if err != nil {
		return err
	}
	names := make(map[uint16]string)
	bot.OnEvent = func(e arena.Event) {
		switch e.Kind {
		case arena.EventJoined:
			names[e.Player] = e.Text
			fmt.Printf("%s: %s has joined\n", name, e.Text)
		case arena.EventLeft:
			fmt.Printf("%s: %s has left\n", name, names[e.Player])
		case arena.EventScored:
			fmt.Printf("%s: %s has found a coin\n", name, names[e.Player])
		case arena.EventSaid:
			fmt.Printf("%s: %s says %q\n", name, names[e.Player], e.Text)
		}
	}
	if err := bot.Say("hello everybody"); err != nil {
		return err
	}
	start := time.Now()
	err = bot.Run(ctx)
	fmt.Printf("%s: played %v: score %d, %d snapshots (%d late), map of %d bytes\n", name,
		time.Since(start).Round(time.Millisecond), bot.Score, bot.Snapshots, bot.Late, len(bot.Map))
	return err
}
