package testoutput

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWaitingForOutput(t *testing.T) {
	t.Parallel()
	b := New()
	go func() {
		for i := range 100 {
			_, _ = fmt.Fprintf(b, "line %d\n", i)
		}
	}()
	require.Equal(t, []string{"line 42\n", "42"}, b.Wait(t, `line (4[2-9])\n`))
	require.Contains(t, string(b.WaitSize(t, 790)), "line 99\n")
	require.Len(t, b.String(), 790)
	_, err := io.WriteString(b, "and more")
	require.NoError(t, err)
	require.Equal(t, []string{""}, b.Wait(t, ""))
}
