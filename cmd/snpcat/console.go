package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
)

// console is standard error: lines of diagnostics and, if it is a terminal, a status line below them
// that is drawn over and over.
type console struct {
	live bool // it is a terminal

	mu     sync.Mutex
	w      io.Writer
	status string // what the status line shows; "" while there is none
}

func newConsole(w io.Writer) *console { return &console{live: isTerminal(w), w: w} }

// printf writes a line. Control characters in it are made visible, for much of what is printed here
// are a stranger's words.
func (c *console) printf(format string, args ...any) {
	_, _ = c.Write([]byte(visible(fmt.Sprintf(format, args...), "\t") + "\n"))
}

// Write writes whole lines, those of a log for example.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	n, err := c.w.Write(b)
	c.draw()
	return n, err
}

// setStatus shows s, of less than 80 characters, in the status line. "" takes the line away. Where the
// console is no terminal each status is a line like any other.
func (c *console) setStatus(s string) {
	if !c.live {
		if s != "" {
			c.printf("%s", s)
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	c.status = s
	c.draw()
}

// erase and draw do without escape sequences, which not every terminal knows. c.mu is held.
func (c *console) erase() {
	if c.status != "" {
		_, _ = io.WriteString(c.w, "\r"+strings.Repeat(" ", len(c.status))+"\r")
	}
}

func (c *console) draw() {
	if c.status != "" {
		_, _ = io.WriteString(c.w, c.status)
	}
}

// guard returns w such that what is written does not mix with the status line, if w is a terminal too.
func (c *console) guard(w io.Writer) io.Writer {
	if !c.live || !isTerminal(w) {
		return w
	}
	return guardedWriter{c, w}
}

type guardedWriter struct {
	c *console
	w io.Writer
}

func (g guardedWriter) Write(b []byte) (int, error) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	g.c.erase()
	g.c.status = "" // drawn again in a moment
	return g.w.Write(b)
}

// isTerminal reports whether f is an interactive terminal.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device that nobody sits at
	return err != nil || !os.SameFile(info, null)
}

// visible replaces control characters, with which a text could take over a terminal, other than those
// to keep.
func visible(s, keep string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !strings.ContainsRune(keep, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
