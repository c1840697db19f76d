package gns

import (
	"context"
	"errors"
	"io"
	"iter"
)

// Messages returns the messages that arrive, for use with range, until the connection ends:
//
//	for m, err := range c.Messages(ctx) {
//		if err != nil {
//			return err
//		}
//		handle(m.Data)
//		m.Release()
//	}
//
// After either application has ended the connection in the ordinary way the loop is over. Everything
// else comes as an error first: the context's, or a *CloseError. Each message is the caller's, who may
// release it. Leaving the loop loses nothing; another one goes on with the next message.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		for {
			m, err := c.Receive(ctx)
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(nil, err)
				}
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Connections returns the connections that are accepted, for use with range, until the listener is
// closed:
//
//	for c, err := range l.Connections(ctx) {
//		if err != nil {
//			return err // the context's
//		}
//		go serve(c)
//	}
//
// It accepts as Accept does. After Close the loop is over; the context's error comes as an error first.
func (l *Listener) Connections(ctx context.Context) iter.Seq2[*Conn, error] {
	return func(yield func(*Conn, error) bool) {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				if !errors.Is(err, ErrListenerClosed) {
					yield(nil, err)
				}
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}
