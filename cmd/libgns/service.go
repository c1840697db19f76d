package main

/*
#include "call.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// service is the thread between Init and Kill.
var service atomic.Pointer[serviceThread]

// The first thread of Go cannot end, even if it is locked to a goroutine that does. It must not become the service thread, and so
// is locked to the goroutine that this function runs in, which ends after it.
func init() { runtime.LockOSThread() }

// serviceThread is where the application's functions are called that tell it something whenever it happens: that for debug
// output, and those that send signals.
//
// Any thread of Go would do, but not for every application: runtimes such as Mono take each thread for their own that they are called
// in, and wait for all of them when the program ends. Threads of Go stay; this one goes with Kill.
type serviceThread struct {
	mu       sync.Mutex
	calls    []func()
	missing  int           // lines for which there was no room
	stopping bool          // it ends when there is nothing left to call
	over     bool          // it has looked for calls for the last time
	wake     chan struct{} // has one element if there is something to look at

	ended chan struct{}
}

// maxCalls is how much waits for an application whose functions are slow.
const maxCalls = 1024

// startService starts the thread, which calls first, unless that is NULL.
func startService(first unsafe.Pointer) *serviceThread {
	t := &serviceThread{wake: make(chan struct{}, 1), ended: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		defer close(t.ended)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if first != nil {
			C.gns_call_thread_init(first)
		}
		close(ready)
		for t.run() {
			<-t.wake
		}
	}()
	<-ready
	return t
}

// run makes the calls that wait, and reports whether there may be more.
func (t *serviceThread) run() bool {
	for {
		t.mu.Lock()
		calls := t.calls
		t.calls = nil
		t.over = t.stopping && len(calls) == 0
		over := t.over
		t.mu.Unlock()
		if len(calls) == 0 {
			return !over
		}
		for _, f := range calls {
			f()
		}
	}
}

// end waits until everything is done, and no more will be.
func (t *serviceThread) end() {
	t.mu.Lock()
	t.stopping = true
	t.mu.Unlock()
	t.rouse()
	<-t.ended
}

func (t *serviceThread) rouse() {
	select {
	case t.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// later has f called after everything that was given before. It never waits; without a thread it calls f itself.
func (t *serviceThread) later(f func()) {
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		f()
		return
	}
	t.calls = append(t.calls, f)
	t.mu.Unlock()
	t.rouse()
}

// call has f called, and waits until it was.
func (t *serviceThread) call(f func()) {
	done := make(chan struct{})
	t.later(func() { defer close(done); f() })
	<-done
}

// say has a line of debug output said, unless the application is too slow for that.
func (t *serviceThread) say(level int, text string) {
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return
	}
	if len(t.calls) >= maxCalls {
		t.missing++
		t.mu.Unlock()
		return
	}
	missing := t.missing
	t.missing = 0
	t.calls = append(t.calls, func() {
		if missing > 0 {
			output.say(levelWarning, fmt.Sprintf("%d lines of debug output are missing, since the function for it is too slow", missing))
		}
		output.say(level, text)
	})
	t.mu.Unlock()
	t.rouse()
}
