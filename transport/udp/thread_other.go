//go:build !linux

package udp

import (
	"os"
	"time"
)

// BeginInThread returns false: reading in the calling thread is not to be had on this system.
func (s *Socket) BeginInThread() bool { return false }

// EndInThread does nothing.
func (s *Socket) EndInThread() {}

// ReadBatchInThread fails.
func (s *Socket) ReadBatchInThread(*Batch, time.Duration) error { return os.ErrDeadlineExceeded }
