package main

/*
#include "clock.h"
*/
import "C"

import "time"

// An instant in Go's time and in the application's.
var (
	goEpoch  = time.Now()
	appEpoch = int64(C.gns_now())
)

// timestamp converts a time.
func timestamp(t time.Time) C.SteamNetworkingMicroseconds {
	return C.SteamNetworkingMicroseconds(appEpoch + t.Sub(goEpoch).Microseconds())
}
