package main

import "C"

import (
	"context"
	"time"
)

//export SteamNetworkingSockets_Poll
func SteamNetworkingSockets_Poll(most C.int) {
	s := library.Load()
	if s == nil || most == 0 {
		return
	}
	ctx := context.Background()
	if most >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(most)*time.Millisecond)
		defer cancel()
	}
	_ = s.Wait(ctx) // it has been waited long enough, whatever for
}
