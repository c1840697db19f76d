package main

/*
#include "call.h"
*/
import "C"

import (
	"fmt"
	"runtime"
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
	calls   chan func()
	missing atomic.Int64 // lines for which there was no room
	stop    chan struct{}
	ended   chan struct{}
}

// startService starts the thread, which calls first, unless that is NULL.
func startService(first unsafe.Pointer) *serviceThread {
	t := &serviceThread{calls: make(chan func(), 1024), stop: make(chan struct{}), ended: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		defer close(t.ended)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if first != nil {
			C.gns_call_thread_init(first)
		}
		close(ready)
		t.run()
	}()
	<-ready
	return t
}

// run makes calls until end is called, and then those that are left.
func (t *serviceThread) run() {
	for {
		select {
		case f := <-t.calls:
			f()
		case <-t.stop:
			for len(t.calls) > 0 {
				(<-t.calls)()
			}
			return
		}
	}
}

// end waits until everything is done, and no more will be.
func (t *serviceThread) end() {
	close(t.stop)
	<-t.ended
}

// post has f called some time. It never waits: if the application is too slow, f is not called, and it returns false.
func (t *serviceThread) post(f func()) bool {
	select {
	case t.calls <- f:
		return true
	default:
		return false
	}
}

// call has f called, and waits until it was.
func (t *serviceThread) call(f func()) {
	done := make(chan struct{})
	select {
	case t.calls <- func() { defer close(done); f() }:
	case <-t.ended:
		return
	}
	select {
	case <-done:
	case <-t.ended:
	}
}

// later has f called after everything that was given before, and waits only if that is very much.
func (t *serviceThread) later(f func()) {
	select {
	case t.calls <- f:
	case <-t.ended:
		f()
	}
}

// say posts a line of debug output.
func (t *serviceThread) say(level int, text string) {
	n := t.missing.Swap(0)
	if !t.post(func() {
		if n > 0 {
			output.say(levelWarning, fmt.Sprintf("%d lines of debug output are missing, since the function for it is too slow", n))
		}
		output.say(level, text)
	}) {
		t.missing.Add(n + 1)
	}
}
