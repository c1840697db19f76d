package arena

import (
	"context"
	"fmt"
	"time"

	"github.com/gogns/gns"
)

const (
	inputRate  = 30 // per second
	boredAfter = 500 * time.Millisecond
)

// Event is something that a bot was told.
type Event struct {
	Kind   EventKind
	Player uint16
	Text   string
}

// Bot is a client that plays on its own.
type Bot struct {
	// OnEvent, if set before Run, is called for every event.
	OnEvent func(Event)

	name string
	conn *gns.Conn

	// What it has learned; look at it after Run.
	ID        uint16
	Map       []byte
	Snapshots int // that arrived in order
	Late      int // that arrived after a newer one
	Score     int
	tick      uint32
}

// DialBot connects to an arena and joins. Run the bot then.
func DialBot(ctx context.Context, address, name string, opts ...gns.Option) (*Bot, error) {
	conn, err := gns.Dial(ctx, address, append([]gns.Option{gns.WithIdentity(gns.GenericString(name))}, opts...)...)
	if err != nil {
		return nil, err
	}
	if err := conn.Send(encode(kindHello, nil, []byte(name)), gns.SendReliable); err != nil {
		_ = conn.CloseWithReason(0, "", false)
		return nil, err
	}
	return &Bot{name: name, conn: conn}, nil
}

// Run plays until ctx is done or the server ends the connection. It returns nil after an ordinary end.
func (b *Bot) Run(ctx context.Context) error {
	playing, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		b.play(playing)
	}()
	err := b.listen(ctx)
	stop()
	<-stopped
	if ctx.Err() != nil { // our own end: say goodbye, and do not wait for ever
		bye, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		return b.conn.Shutdown(bye, gns.EndAppGeneric, "bye")
	}
	_ = b.conn.Close() // free what the server has ended
	return err
}

// play sends inputs: it runs in some direction for a while, then in another.
func (b *Bot) play(ctx context.Context) {
	tick := time.NewTicker(time.Second / inputRate)
	defer tick.Stop()
	var in input
	var turn time.Time
	for {
		select {
		case now := <-tick.C:
			if in.Number++; now.After(turn) {
				turn = now.Add(boredAfter)
				h := (in.Number*2654435761 + uint32(len(b.name))) >> 7
				in.DX, in.DY = int8(h%3)-1, int8(h/3%3)-1
			}
			// An input that cannot go now is worth nothing later; the next one says the same or better.
			_ = b.conn.Send(encode(kindInput, in, nil), gns.SendUnreliableNoDelay)
		case <-ctx.Done():
			return
		}
	}
}

// Say says something to everybody.
func (b *Bot) Say(text string) error {
	return b.conn.Send(encode(kindSay, nil, []byte(text)), gns.SendReliable)
}

// listen handles messages until the connection ends, or ctx is done.
func (b *Bot) listen(ctx context.Context) error {
	for m, err := range b.conn.Messages(ctx) {
		if err != nil {
			return err
		}
		err = b.handle(m.Data)
		m.Release()
		if err != nil {
			return fmt.Errorf("message from the server: %w", err)
		}
	}
	return nil
}

func (b *Bot) handle(data []byte) error {
	k, body, err := open(data)
	if err != nil {
		return err
	}
	switch k {
	case kindWelcome:
		var w welcome
		_, err = decode(body, &w)
		b.ID = w.ID
	case kindMap:
		b.Map = append([]byte(nil), body...) // the message's memory is used again
	case kindSnapshot:
		err = b.see(body)
	case kindEvent:
		var e event
		if body, err = decode(body, &e); err == nil && b.OnEvent != nil {
			b.OnEvent(Event{e.Kind, e.Player, string(body)})
		}
	default:
		err = fmt.Errorf("unknown kind %d", k)
	}
	return err
}

// see takes a snapshot, unless it has seen a later one.
func (b *Bot) see(body []byte) error {
	var s snapshot
	body, err := decode(body, &s)
	if err != nil {
		return err
	}
	if s.Tick <= b.tick {
		b.Late++
		return nil
	}
	b.tick = s.Tick
	b.Snapshots++
	for range s.Actors {
		var a actor
		if body, err = decode(body, &a); err != nil {
			return err
		}
		if a.ID == b.ID {
			b.Score = int(a.Score)
		}
	}
	return nil
}
