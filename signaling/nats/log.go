package nats

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// logger takes what the server of NATS logs.
type logger struct {
	log *slog.Logger

	mu    sync.Mutex
	cause error // why the server does not run
}

// Fatalf is for errors after which the server cannot go on. They do not end the program.
func (l *logger) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.log.Error(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		l.cause = errors.New(text)
	}
}

func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// The other methods of server.Logger. What clients cause is for those who look for it.

func (l *logger) Noticef(format string, args ...any) { l.log.Info(fmt.Sprintf(format, args...)) }
func (l *logger) Warnf(format string, args ...any)   { l.log.Warn(fmt.Sprintf(format, args...)) }
func (l *logger) Errorf(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l *logger) Debugf(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l *logger) Tracef(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
