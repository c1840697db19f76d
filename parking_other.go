//go:build !linux

package gns

import "context"

// canPark says whether threads can wait in a parking on this system.
const canPark = false

// parking is where threads wait for something to change, on systems that have something for it.
type parking struct{}

func (*parking) seen() uint32                             { return 0 }
func (*parking) wake()                                    {}
func (*parking) wait(ctx context.Context, _ uint32) error { return ctx.Err() }
