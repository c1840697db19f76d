package record

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Direction is a way through the proxy.
type Direction string

// Directions, as recordings write them.
const (
	ToServer Direction = "c2s"
	ToClient Direction = "s2c"
)

// Packet is a datagram as it reached the proxy.
type Packet struct {
	Index int           // position in its session, from 0
	Time  time.Duration // since the first datagram of the session
	Dir   Direction
	Data  []byte
	Fate  Fate
}

// Fate says what became of a datagram.
type Fate string

// Fates. Recordings name them only when a datagram was not simply passed on.
const (
	Passed  Fate = ""
	Dropped Fate = "dropped" // nothing was sent on
	Changed Fate = "changed" // something else was sent on: other bytes, later, or more than once
)

type packetJSON struct {
	Index int       `json:"i"`
	Time  int64     `json:"t_us"`
	Dir   Direction `json:"dir"`
	Hex   string    `json:"hex"`
	Fate  Fate      `json:"fate,omitempty"`
}

// MarshalJSON writes the packet as session-udp.json has it.
func (p Packet) MarshalJSON() ([]byte, error) {
	return json.Marshal(packetJSON{p.Index, p.Time.Microseconds(), p.Dir, hex.EncodeToString(p.Data), p.Fate})
}

// UnmarshalJSON reads a packet of a recording.
func (p *Packet) UnmarshalJSON(text []byte) error {
	var j packetJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	data, err := hex.DecodeString(j.Hex)
	if err != nil {
		return fmt.Errorf("record: packet %d: %w", j.Index, err)
	}
	*p = Packet{Index: j.Index, Time: time.Duration(j.Time) * time.Microsecond, Dir: j.Dir, Data: data, Fate: j.Fate}
	return nil
}

// Session is what passed between one client and the server.
type Session struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Handshake holds the keys of the session, in whatever form the writer of the recording has them.
	Handshake json.RawMessage `json:"handshake,omitempty"`
	Packets   []Packet        `json:"packets"`
}

// File is a recording.
type File struct {
	How      string    `json:"how"`
	Sessions []Session `json:"sessions"`
}

// Write writes the recording with one packet per line, which keeps changes of it readable.
func (f *File) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	var errs error
	value := func(prefix string, v any) {
		text, err := json.MarshalIndent(v, prefix, " ")
		errs = errors.Join(errs, err)
		_, _ = out.Write(text)
	}
	fmt.Fprint(out, "{\n \"how\": ")
	value(" ", f.How)
	fmt.Fprint(out, ",\n \"sessions\": [")
	for i, s := range f.Sessions {
		fmt.Fprint(out, comma(i), "\n  {\n   \"name\": ")
		value("   ", s.Name)
		fmt.Fprint(out, ",\n   \"description\": ")
		value("   ", s.Description)
		if len(s.Handshake) > 0 {
			fmt.Fprint(out, ",\n   \"handshake\": ")
			value("   ", s.Handshake)
		}
		fmt.Fprint(out, ",\n   \"packets\": [")
		for i, p := range s.Packets {
			line, err := json.Marshal(p)
			errs = errors.Join(errs, err)
			fmt.Fprintf(out, "%s\n    %s", comma(i), line)
		}
		fmt.Fprint(out, "\n   ]\n  }")
	}
	fmt.Fprint(out, "\n ]\n}\n")
	return errors.Join(errs, out.Flush())
}

// comma separates list elements.
func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}
