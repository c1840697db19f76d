package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// try makes connections, many at a time, and returns how long those took that came about as wanted.
func (l *load) try(ctx context.Context, count int, want bool, begin func(number uint64)) (took []time.Duration, lost int, err error) {
	var mu sync.Mutex
	var trying sync.WaitGroup
	var next atomic.Int64
	start := time.Now()
	for range l.parallel {
		trying.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(count) {
					return
				}
				if l.rate > 0 {
					time.Sleep(time.Until(start.Add(time.Duration(float64(i) / l.rate * float64(time.Second)))))
				}
				d, ok := l.one(ctx, want, begin)
				mu.Lock()
				if ok {
					took = append(took, d)
				} else {
					lost++
				}
				mu.Unlock()
			}
		})
	}
	trying.Wait()
	return took, lost, ctx.Err()
}

// one makes one connection.
func (l *load) one(ctx context.Context, want bool, begin func(number uint64)) (time.Duration, bool) {
	number := l.number.Add(1)
	a := &attempt{make(chan bool, 1)}
	l.attempts.Store(number, a)
	defer l.attempts.Delete(number)
	start := time.Now()
	begin(number)
	select {
	case got := <-a.done:
		return time.Since(start), got == want
	case <-time.After(patience):
	case <-ctx.Done():
	}
	return 0, false
}

func (l *load) finish(number uint64, ok bool) {
	if a, there := l.attempts.Load(number); there {
		select {
		case a.(*attempt).done <- ok:
		default: // already
		}
	}
}

// fail ends an attempt that cannot come about.
func (l *load) fail(number uint64) { l.finish(number, false) }
