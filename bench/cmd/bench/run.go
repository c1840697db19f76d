package main

import (
	"context"
	"os"
)

func run(ctx context.Context, args []string) error {
	return runPeer(ctx, args[1:], os.Stdout)
}
