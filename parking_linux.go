package gns

import (
	"context"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// canPark says whether threads can wait in a parking on this system.
const canPark = true

// parking is where threads wait for something to change: broadcast for those who stop their threads.
type parking struct {
	changes atomic.Uint32
	waiting atomic.Int32
}

// The system's calls for it, within a process.
const (
	futexWait = 0 | 128
	futexWake = 1 | 128
)

// seen returns what wait is to be told.
func (p *parking) seen() uint32 { return p.changes.Load() }

// wake wakes all who wait.
func (p *parking) wake() {
	p.changes.Add(1)
	if p.waiting.Load() > 0 {
		_, _, _ = syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&p.changes)), futexWake, 1<<31-1, 0, 0, 0) // never fails
	}
}

// wait waits until there has been a change since what was seen, or for no reason. It returns an error only if ctx is done: its.
func (p *parking) wait(ctx context.Context, seen uint32) error {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, p.wake)
		defer stop()
	}
	p.waiting.Add(1)
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&p.changes)), futexWait, uintptr(seen), 0, 0, 0) // fails if there was a change
	p.waiting.Add(-1)
	return ctx.Err()
}
