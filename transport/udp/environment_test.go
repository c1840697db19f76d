package udp

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvironmentTurnsFastPathsOff(t *testing.T) {
	for value, want := range map[string]Options{
		"":                          {},
		"segmentation":              {NoSegmentation: true},
		"coalescing, moderation":    {NoCoalescing: true, NoModeration: true},
		"batches":                   {SingleCalls: true},
		"all":                       {SingleCalls: true},
		"all,segmentation,,batches": {SingleCalls: true, NoSegmentation: true},
	} {
		t.Setenv(OffVariable, value)
		got, err := Options{}.withEnvironment()
		require.NoError(t, err, value)
		require.Equal(t, want, got, value)
	}
	t.Setenv(OffVariable, "all")
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), Options{})
	require.NoError(t, err)
	require.Nil(t, s.batch)
	require.NoError(t, s.Close())

	t.Setenv(OffVariable, "everything")
	_, err = Listen(netip.MustParseAddrPort("127.0.0.1:0"), Options{})
	require.ErrorContains(t, err, `there is no "everything"`)
}
