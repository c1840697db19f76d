package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// How often the demo draws its picture, or writes a line.
const (
	demoLiveEvery  = 100 * time.Millisecond
	demoPlainEvery = time.Second
)

// demoView shows a demo: as a picture that is drawn over and over on a terminal, else as a line per
// second.
type demoView struct {
	d       *demo
	w       io.Writer
	live    bool
	every   time.Duration
	started time.Time
	forth   *rate
	back    *rate
	lines   int // of the picture that is on the screen
}

func newDemoView(w io.Writer, d *demo) *demoView {
	v := &demoView{d: d, w: w, every: demoPlainEvery, started: time.Now()}
	// The old console of Windows does not know escape sequences, and there is no telling which it is.
	if isTerminal(w) && !d.o.plain && runtime.GOOS != "windows" {
		v.live, v.every = true, demoLiveEvery
	}
	if !v.live && d.o.duration < 4*demoPlainEvery {
		v.every = d.o.duration / 4
	}
	v.forth, v.back = newRate(v.every), newRate(v.every)
	return v
}

// print writes to the screen. What cannot be written is no reason to end: the exit status counts.
func (v *demoView) print(s string) { _, _ = io.WriteString(v.w, s) }

func (v *demoView) begin() {
	o := v.d.o
	v.print(fmt.Sprintf("A server (%v) and a client, both here, talk through a bad network:\n"+
		"%g%% of packets lost, %v lag, %g%% overtaken, %g%% doubled, each way.\n\n",
		v.d.client.RemoteAddr(), o.loss, o.lag, o.reorder, o.dup))
	if !v.live {
		v.print("What has arrived, of what was sent:\n")
	}
}

// show draws the picture, or writes a line. It is called once every v.every.
func (v *demoView) show() {
	forth, back := v.d.forth.arrivedBytes(), v.d.back.arrivedBytes()
	rates := [2]float64{v.forth.next(forth), v.back.next(back)}
	if !v.live {
		v.print(v.line())
		return
	}
	picture := v.picture(rates)
	if v.lines > 0 {
		v.print(fmt.Sprintf("\x1b[%dA", v.lines))
	}
	v.lines = len(picture)
	for _, line := range picture {
		v.print("\r" + line + "\x1b[K\n")
	}
}

func (v *demoView) end() {
	if v.live {
		v.show()
	}
	v.print("\n")
}

func (d *direction) arrivedBytes() (n int64) {
	for _, s := range d.streams {
		if s != nil {
			n += s.tally().arrivedBytes
		}
	}
	return n
}

// tally is what has become of a kind of traffic, both ways.
func (d *demo) tally(lane int) tally {
	t := d.forth.streams[lane].tally()
	if s := d.back.streams[lane]; s != nil {
		t = t.plus(s.tally())
	}
	return t
}

// line is what is shown where there is no terminal.
func (v *demoView) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%4.1f s  ping %s", time.Since(v.started).Seconds(), ping(v.d.client.Status().Ping))
	for lane, k := range kinds {
		t := v.d.tally(lane)
		fmt.Fprintf(&b, "  %s %s/%s", k.name, k.amount(t.arrived, t.arrivedBytes), k.amount(t.sent, t.sentBytes))
	}
	return b.String() + "\n"
}

// amount is what people count: messages, or bytes of a file.
func (k *kind) amount(messages int, bytes int64) string {
	if k.every == 0 {
		return size(float64(bytes))
	}
	return fmt.Sprint(messages)
}

// picture is what is shown on a terminal.
func (v *demoView) picture(rates [2]float64) []string {
	elapsed := time.Since(v.started)
	const width = 30
	filled := min(width, int(width*elapsed/v.d.o.duration))
	bar := strings.Repeat("#", filled) + strings.Repeat(".", width-filled)
	phase := "sending"
	if elapsed > v.d.o.duration {
		phase = "waiting for what is on the way"
	}
	st := v.d.client.Status()
	lines := []string{
		fmt.Sprintf("[%s] %4.1f s  %s", bar, elapsed.Seconds(), phase),
		"",
		fmt.Sprintf("ping %s   not in order %s   to server %s/s   to client %s/s", ping(st.Ping),
			loss(st.QualityLocal, st.QualityRemote), size(rates[0]), size(rates[1])),
		"",
		"                 sent    arrived  on the way        lost",
	}
	for lane, k := range kinds {
		t := v.d.tally(lane)
		arrow := "->"
		if k.back {
			arrow = "<->"
		}
		onTheWay, lost := "", "0"
		if k.reliable {
			onTheWay = k.amount(t.sent-t.arrived, t.sentBytes-t.arrivedBytes)
		} else if t.missing > 0 {
			lost = fmt.Sprintf("%d (%.0f%%)", t.missing, percent(t.missing, t.missing+t.arrived))
		}
		lines = append(lines, fmt.Sprintf("%-9s %3s %8s %10s %11s %11s   %s", k.name, arrow,
			k.amount(t.sent, t.sentBytes), k.amount(t.arrived, t.arrivedBytes), onTheWay, lost, k.note))
	}
	return lines
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// verdict says what is wrong with what arrived; nil if nothing is.
func (d *demo) verdict() error {
	var errs []error
	for i, way := range []*direction{d.forth, d.back} {
		where := [...]string{"from client to server", "from server to client"}[i]
		if n := way.strange.Load(); n > 0 {
			errs = append(errs, fmt.Errorf("%d messages %s arrived on a wrong lane or with a wrong reliability", n, where))
		}
		for _, s := range way.streams {
			if s != nil {
				errs = append(errs, s.verdict(where))
			}
		}
	}
	return errors.Join(errs...)
}

// verdict says what is wrong with what arrived; of unreliable messages only that they are not what was
// sent.
func (s *stream) verdict(where string) error {
	t := s.tally()
	switch {
	case t.sent == 0:
		return fmt.Errorf("no %s were sent %s", s.kind.name, where)
	case s.kind.reliable && !t.perfect():
		return fmt.Errorf("%s %s: %d sent, %d arrived, %d of them out of order; %d arrived again, %d were not what was sent",
			s.kind.name, where, t.sent, t.arrived, t.overtaken, t.twice, t.wrong)
	case t.wrong > 0:
		return fmt.Errorf("%s %s: %d were not what was sent", s.kind.name, where, t.wrong)
	}
	return nil
}

// summary is what the demo has shown.
func (d *demo) summary() string {
	var b strings.Builder
	for lane, k := range kinds {
		t := d.tally(lane)
		if k.reliable {
			what := fmt.Sprintf("all %d messages arrived", t.sent)
			if k.every == 0 {
				what = fmt.Sprintf("all %s in %d messages arrived", size(float64(t.sentBytes)), t.sent)
			}
			fmt.Fprintf(&b, "%-10s %s once, in order, unchanged.\n", k.name+":", what)
			continue
		}
		lost := t.sent - t.arrived
		fmt.Fprintf(&b, "%-10s %d of %d lost (%.1f%%), %d overtaken: the network as it was.\n",
			k.name+":", lost, t.sent, percent(lost, t.sent), t.overtaken)
	}
	return b.String() + "ok\n"
}
