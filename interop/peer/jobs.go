package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// outbox is work that hands messages to a connection as fast as the send buffer takes them.
type outbox interface {
	// pump goes on until the buffer is full (finished is false) or everything is handed over or
	// refused (finished is true; done is the event to report, if any).
	pump(e Engine, conn uint32) (done *Event, finished bool)
}

// pumpRound bounds the messages that one round hands over, so that commands stay answered.
const pumpRound = 256

// batchJob sends the messages of a Batch.
type batchJob struct {
	batch   Batch
	numbers []int64
}

func (j *batchJob) pump(e Engine, conn uint32) (*Event, bool) {
	for range pumpRound {
		i := len(j.numbers)
		if i == j.batch.Count {
			return &Event{Kind: evBatch, Numbers: j.numbers}, true
		}
		m := j.batch.At(i)
		number, err := e.Send(conn, m.Lane, Content(m.Seed, m.Size), m.Flags)
		// Our engine refuses NoDelay messages that would wait for long; Valve's lets them wait.
		if errors.Is(err, LimitExceeded) || errors.Is(err, Ignored) {
			return nil, false
		}
		if err != nil {
			done := &Event{Kind: evBatch, Numbers: j.numbers}
			done.fail(fmt.Errorf("message %d of the batch: %w", i, err))
			return done, true
		}
		j.numbers = append(j.numbers, number)
	}
	return nil, false
}

// echoJob sends a message back as it came.
type echoJob struct{ message Received }

func (j *echoJob) pump(e Engine, conn uint32) (*Event, bool) {
	_, err := e.Send(conn, j.message.Lane, j.message.Data, j.message.Flags&Reliable|NoNagle)
	switch {
	case err == nil:
		return nil, true
	case errors.Is(err, LimitExceeded):
		return nil, false
	default:
		done := &Event{Kind: evEcho}
		done.fail(err)
		return done, true
	}
}

// sourceJob sends a stream of bytes in messages of one size.
type sourceJob struct {
	source io.Reader
	lane   int
	flags  int
	chunk  []byte
	ready  int // bytes of chunk that wait to be sent
	sent   int64
}

const defaultChunk = 16 << 10

func newSourceJob(c Command) (*sourceJob, error) {
	job := &sourceJob{lane: c.Lane, flags: c.Flags, chunk: make([]byte, defaultChunk)}
	if c.Chunk > 0 {
		job.chunk = make([]byte, c.Chunk)
	}
	if c.Path != "" {
		f, err := os.Open(c.Path)
		if err != nil {
			return nil, err
		}
		job.source = f
		return job, nil
	}
	job.source = io.LimitReader(NewContentReader(c.Seed), c.Size)
	return job, nil
}

func (j *sourceJob) pump(e Engine, conn uint32) (*Event, bool) {
	for range pumpRound {
		var err error
		if j.ready == 0 {
			j.ready, err = io.ReadFull(j.source, j.chunk)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
		}
		if err == nil && j.ready > 0 {
			_, err = e.Send(conn, j.lane, j.chunk[:j.ready], j.flags)
		}
		if errors.Is(err, LimitExceeded) {
			return nil, false
		}
		if err != nil || j.ready == 0 {
			done := &Event{Kind: evSource, Bytes: j.sent}
			done.fail(err)
			if f, ok := j.source.(io.Closer); ok {
				done.fail(f.Close())
			}
			return done, true
		}
		j.sent += int64(j.ready)
		j.ready = 0
	}
	return nil, false
}

// sink digests the contents of messages in the order of their arrival.
type sink struct {
	expect   int64
	bytes    int64
	messages int64
	digest   hash.Hash
	file     *os.File
}

func newSink(expect int64, path string) (sink, error) {
	s := sink{expect: expect, digest: sha256.New()}
	if path == "" {
		return s, nil
	}
	var err error
	s.file, err = os.Create(path)
	return s, err
}

// add takes a message and returns an event when the expected number of bytes has arrived.
func (s *sink) add(m Received) *Event {
	before := s.bytes
	s.bytes += int64(len(m.Data))
	s.messages++
	s.digest.Write(m.Data)
	var err error
	if s.file != nil {
		_, err = s.file.Write(m.Data)
	}
	if err == nil && (before >= s.expect || s.bytes < s.expect) {
		return nil
	}
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
		s.file = nil
	}
	done := &Event{Kind: evSink, Bytes: s.bytes, Messages: s.messages, Sum: hex.EncodeToString(s.digest.Sum(nil))}
	done.fail(err)
	return done
}
