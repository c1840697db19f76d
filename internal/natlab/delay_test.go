//go:build linux

package natlab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDelay(t *testing.T) {
	const delay = 200 * time.Millisecond
	l, args := withReflector(t)
	host := l.Host("host", l.Router("router", PortRestricted).LAN("192.168.1.1/24"))
	l.Delay(delay)
	result := probe(t, host, args) // everything is as without
	require.Equal(t, endpointIndependent, result.Mapping)
	require.Equal(t, addressPortDependent, result.Filtering)
	asker := startAsker(t, host, reflectorEndpoints(args.Reflector)[0])

	quickest := time.Hour // how long processes have to wait for the processor is not what this is about
	for tries := 0; tries < 10 && quickest >= 3*delay; tries++ {
		began := time.Now()
		require.True(t, asker.ask(t).IsValid())
		quickest = min(quickest, time.Since(began))
	}

	require.GreaterOrEqual(t, quickest, 2*delay)
	require.Less(t, quickest, 3*delay)
}
