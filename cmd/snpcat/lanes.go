package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gogns/gns"
)

// maxLanes is how many lanes a connection can have.
const maxLanes = 255

// lane is the priority and the weight of a lane.
type lane struct {
	priority int
	weight   uint16
}

// laneList is a lane configuration, and the value of -lanes.
type laneList []lane

// String returns the list as Set reads it.
func (l *laneList) String() string {
	parts := make([]string, len(*l))
	for i, x := range *l {
		parts[i] = fmt.Sprintf("%d:%d", x.priority, x.weight)
	}
	return strings.Join(parts, ",")
}

// Set reads priority:weight for each lane, separated by commas.
func (l *laneList) Set(s string) error {
	var list laneList
	for part := range strings.SplitSeq(s, ",") {
		p, w, both := strings.Cut(part, ":")
		priority, err := strconv.ParseInt(strings.TrimSpace(p), 10, 32)
		if err != nil {
			return fmt.Errorf("%q is not of the form priority:weight", part)
		}
		x := lane{priority: int(priority), weight: 1}
		if both {
			weight, err := strconv.ParseUint(strings.TrimSpace(w), 10, 16)
			if err != nil || weight == 0 {
				return fmt.Errorf("weight %q is not between 1 and 65535", w)
			}
			x.weight = uint16(weight)
		}
		list = append(list, x)
	}
	if len(list) > maxLanes {
		return fmt.Errorf("%d lanes; the limit is %d", len(list), maxLanes)
	}
	*l = list
	return nil
}

// grow returns the list with lanes of priority 0 and weight 1 added up to n.
func (l laneList) grow(n int) laneList {
	for len(l) < n {
		l = append(l, lane{weight: 1})
	}
	return l
}

// apply configures the lanes of a connection.
func (l laneList) apply(c *gns.Conn) error {
	if len(l) == 0 {
		return errors.New("no lanes")
	}
	priorities, weights := make([]int, len(l)), make([]uint16, len(l))
	for i, x := range l {
		priorities[i], weights[i] = x.priority, x.weight
	}
	return c.ConfigureLanes(priorities, weights)
}
