package config

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// dataSizeReserve is what MTU_DataSize leaves of MTU_PacketSize for headers
// (k_cbSteamNetworkingSocketsNoFragmentHeaderReserve).
const dataSizeReserve = 100

// Store holds the values set at one level and inherits everything else, live, from its parent. It is
// safe for concurrent use; reading takes no lock.
//
// A reader that needs several values often keeps them together with the Generation at which it read
// them, and reads again only when that has changed:
//
//	if g := store.Generation(); g != cachedGeneration {
//		cachedGeneration = g
//		nagle = store.Int32(config.NagleTime)
//		…
//	}
//
// Take the generation before the values: a change in between then shows up next time.
type Store struct {
	scope  Scope
	parent *Store
	mu     sync.Mutex            // held while replacing level
	level  atomic.Pointer[level] // nil: nothing was ever set
}

// level is an immutable state of a Store. Thousands of connections have the same one, and share it.
type level struct {
	generation uint64
	set        uint64  // bit n: the value in slot n is set here
	locked     uint64  // bit n: and can no longer change
	values     []Value // those set, in order of their slots

	// Of the stores below this one, that which was made last and that which was locked last.
	newest, lockedLast atomic.Pointer[level]
}

// A level has one bit per value.
const _ = uint(64 - len(table))

// NewStore returns an empty Store for an object at the given scope. A nil parent inherits the
// compiled-in defaults; otherwise the parent should be at a wider scope.
//
// At scope Connection the store begins with its own copy of ConnectionUserData, because that value is
// inherited once, when a connection is created, and does not follow later changes above it.
func NewStore(scope Scope, parent *Store) *Store {
	s := &Store{scope: scope, parent: parent}
	if scope == Connection {
		slot := slotOf(ConnectionUserData)
		begin := (*level)(nil).with(slot, s.effective(slot), false)
		if above := s.above(); above != nil {
			begin = begin.sharedIn(&above.newest)
		}
		s.level.Store(begin)
	}
	return s
}

// Scope returns the level of the store.
func (s *Store) Scope() Scope { return s.scope }

// Set sets v at this level, converted to the type of the value and clamped to its limits.
//
// Errors: ErrUnknown, ErrReadOnly, ErrScope, ErrLocked, ErrConversion.
func (s *Store) Set(v Value) error {
	slot, err := s.writable(v.id)
	if err != nil {
		return err
	}
	v, err = table[slot].Normalize(v)
	if err != nil {
		return err
	}
	return s.change(slot, func(old *level) *level { return old.with(slot, v, false) })
}

// SetAll sets several values in order and stops at the first error; those before it stay set.
func (s *Store) SetAll(values ...Value) error {
	for _, v := range values {
		if err := s.Set(v); err != nil {
			return err
		}
	}
	return nil
}

// Unset makes the value inherited again; at the top level that is the compiled-in default. It is no
// error if the value was not set.
//
// Errors: ErrUnknown, ErrReadOnly, ErrScope, ErrLocked; the last also for ConnectionUserData at scope
// Connection, which a connection keeps for life.
func (s *Store) Unset(id ID) error {
	slot, err := s.writable(id)
	if err != nil {
		return err
	}
	if id == ConnectionUserData && s.scope == Connection {
		return errorf(id, ErrLocked, "cannot be unset on a connection")
	}
	return s.change(slot, func(old *level) *level { return old.without(slot) })
}

// Lock gives this level its own copy of the effective values and makes them unchangeable: Set and Unset
// fail with ErrLocked from now on, and changes above no longer reach them. Locking again does nothing.
//
// Errors: ErrUnknown, ErrReadOnly, ErrScope; nothing is locked then.
func (s *Store) Lock(ids ...ID) error {
	for _, id := range ids {
		if _, err := s.writable(id); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.level.Load()
	next := old
	for _, id := range ids {
		if slot := slotOf(id); !next.isLocked(slot) {
			next = next.with(slot, s.effective(slot), true)
		}
	}
	if next == old {
		return nil
	}
	if above := s.above(); above != nil {
		next = next.sharedIn(&above.lockedLast)
	}
	s.level.Store(next)
	return nil
}

// above returns the state of the store above; nil if there is none, or nothing was ever set there.
func (s *Store) above() *level {
	if s.parent == nil {
		return nil
	}
	return s.parent.level.Load()
}

// Locked reports whether Lock was called for the value on this level.
func (s *Store) Locked(id ID) bool {
	slot := slotOf(id)
	return slot != noSlot && s.level.Load().isLocked(slot)
}

// Get returns the effective value, in its own type, and whether it is inherited rather than set at this
// level.
//
// Errors: ErrUnknown, ErrScope.
func (s *Store) Get(id ID) (v Value, inherited bool, err error) {
	slot, err := s.readable(id)
	if err != nil {
		return Value{}, false, err
	}
	source := slot
	if id == MTUDataSize {
		source = slotOf(MTUPacketSize)
	}
	return s.effective(slot), !s.level.Load().isSet(source), nil
}

// Int32 returns the effective value as Value.Int32 does. Unlike Get it also reads global values through
// a store of another scope, and returns 0 for a number that is no value.
func (s *Store) Int32(id ID) int32 { return s.value(id).Int32() }

// Int64 is Int32 for int64 values.
func (s *Store) Int64(id ID) int64 { return s.value(id).Int64() }

// Float is Int32 for float values.
func (s *Store) Float(id ID) float32 { return s.value(id).Float() }

// Text is Int32 for string values.
func (s *Store) Text(id ID) string { return s.value(id).Text() }

// Func is Int32 for callbacks; nil if there is none.
func (s *Store) Func(id ID) any { return s.value(id).Func() }

// Generation returns a number that grows whenever a value is set, unset or locked at this level or any
// above it.
func (s *Store) Generation() uint64 {
	var sum uint64 // of counters that only grow, so it grows when any of them does
	for ; s != nil; s = s.parent {
		if l := s.level.Load(); l != nil {
			sum += l.generation
		}
	}
	return sum
}

func (s *Store) value(id ID) Value {
	slot := slotOf(id)
	if slot == noSlot {
		return Value{}
	}
	return s.effective(slot)
}

// effective returns the value of a slot as this level sees it.
func (s *Store) effective(slot uint8) Value {
	if table[slot].ID == MTUDataSize {
		n := s.effective(slotOf(MTUPacketSize)).Int32() - dataSizeReserve
		return Int32(MTUDataSize, max(n, 0))
	}
	for ; s != nil; s = s.parent {
		if l := s.level.Load(); l.isSet(slot) {
			return l.values[l.index(slot)]
		}
	}
	return table[slot].Default
}

func (s *Store) readable(id ID) (slot uint8, err error) {
	slot = slotOf(id)
	if slot == noSlot {
		return 0, errorf(id, ErrUnknown, "number %d", int32(id))
	}
	if !table[slot].AllowedAt(s.scope) {
		return 0, errorf(id, ErrScope, "exists at scope %s only, not at %s", table[slot].Scope, s.scope)
	}
	return slot, nil
}

func (s *Store) writable(id ID) (slot uint8, err error) {
	slot, err = s.readable(id)
	if err == nil && table[slot].ReadOnly {
		return 0, errorf(id, ErrReadOnly, "follows %s", MTUPacketSize)
	}
	return slot, err
}

func (s *Store) change(slot uint8, next func(*level) *level) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.level.Load()
	if old.isLocked(slot) {
		return errorf(table[slot].ID, ErrLocked, "on this %s", s.scope)
	}
	s.level.Store(next(old))
	return nil
}

func (l *level) isSet(slot uint8) bool    { return l != nil && l.set&(1<<slot) != 0 }
func (l *level) isLocked(slot uint8) bool { return l != nil && l.locked&(1<<slot) != 0 }

// index returns where in values the slot is, or would be.
func (l *level) index(slot uint8) int { return bits.OnesCount64(l.set & (1<<slot - 1)) }

// with returns the next state, in which the slot is set, and locked if lock says so. A nil l is the
// state in which nothing is set.
func (l *level) with(slot uint8, v Value, lock bool) *level {
	n := l.next()
	i := n.index(slot)
	if n.isSet(slot) {
		n.values[i] = v
	} else {
		n.values = slices.Insert(n.values, i, v)
		n.set |= 1 << slot
	}
	if lock {
		n.locked |= 1 << slot
	}
	return n
}

// without returns the next state, in which the slot is not set.
func (l *level) without(slot uint8) *level {
	n := l.next()
	if n.isSet(slot) {
		i := n.index(slot)
		n.values = slices.Delete(n.values, i, i+1)
		n.set &^= 1 << slot
	}
	return n
}

// next returns a copy of l to be changed and published.
func (l *level) next() *level {
	if l == nil {
		return &level{generation: 1}
	}
	return &level{
		generation: l.generation + 1,
		set:        l.set,
		locked:     l.locked,
		values:     slices.Clone(l.values),
	}
}

// sharedIn returns the level kept at p if it is equal to l, and else keeps l there.
func (l *level) sharedIn(p *atomic.Pointer[level]) *level {
	o := p.Load()
	if o != nil && o.generation == l.generation && o.set == l.set && o.locked == l.locked && slices.Equal(o.values, l.values) {
		return o
	}
	p.Store(l)
	return l
}
