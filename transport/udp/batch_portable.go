//go:build !linux

package udp

import (
	"net"
	"time"
)

// batcher moves several datagrams with one system call, which is not to be had on this system.
type batcher struct{}

func newBatcher(*net.UDPConn, Options) *batcher { return nil }

// read reads what is there, at least one datagram, into b. It returns nil with b empty if all of it was
// dropped.
func (s *Socket) read(b *Batch) error { return s.readOne(b) }

// write sends the first datagrams of b and returns how many; an error is about the one after those.
func (s *Socket) write(b []Datagram) (int, error) { return s.writeOne(b) }

func (s *Socket) setReadDeadline(t time.Time) error { return s.conn.SetReadDeadline(t) }

func (s *Socket) closeDescriptors() error { return s.conn.Close() }
