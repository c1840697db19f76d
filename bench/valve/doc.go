// Package valve measures Valve's library, loaded with purego. A call costs some 100 nanoseconds more than
// from C (BenchmarkCall), which is why messages are sent and received in batches and are filled
// and checked where the library keeps them; per small message there is one call to allocate it and one to
// release it.
//
// The library has no call that waits: the application looks for news at an interval, peer.Options.Poll.
package valve
