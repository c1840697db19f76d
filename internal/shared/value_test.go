package shared

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValue(t *testing.T) {
	var s Value[[2]int]
	a := s.Of([2]int{1, 2})
	require.Same(t, a, s.Of([2]int{1, 2}))
	b := s.Of([2]int{3, 4})
	require.Equal(t, [2]int{3, 4}, *b)
	require.Equal(t, [2]int{1, 2}, *a, "who has it keeps it")
	require.Same(t, b, s.Of([2]int{3, 4}))

	var none *Value[[2]int]
	require.Equal(t, [2]int{1, 2}, *none.Of([2]int{1, 2}))
	require.NotSame(t, none.Of([2]int{1, 2}), none.Of([2]int{1, 2}))
}
