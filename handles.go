package gns

// handleSource gives out handles of listen sockets and poll groups as Valve's library does: the low 16
// bits are a slot, which is reused, the bits above it count up, so that a handle does not come back soon
// after it was given up. The tag tells kinds of handles apart. It is guarded by Sockets.mu.
type handleSource struct {
	tag      uint32
	sequence uint32
	slots    []bool // in use
	lowest   int    // no slot below it is free
}

const (
	handleSlots = 1 << 16
	handleStep  = 1 << 16
	handleWrap  = 1 << 28

	// pollGroupTag is in the handles of poll groups, so that one passed for a listen socket is noticed.
	pollGroupTag = 1 << 31
)

// take returns a new handle, 0 if there are too many.
func (h *handleSource) take() uint32 {
	slot := h.lowest
	for slot < len(h.slots) && h.slots[slot] {
		slot++
	}
	if slot == handleSlots {
		return 0
	}
	if slot == len(h.slots) {
		h.slots = append(h.slots, false)
	}
	h.slots[slot] = true
	h.lowest = slot + 1
	if h.sequence += handleStep; h.sequence >= handleWrap {
		h.sequence = handleStep
	}
	return h.tag | h.sequence | uint32(slot)
}

// free gives a handle up.
func (h *handleSource) free(handle uint32) {
	slot := int(handle % handleSlots)
	h.slots[slot] = false
	h.lowest = min(h.lowest, slot)
}
