// Package peer runs one side of an interoperability test in a process of its own and drives it from
// the test.
//
// The child process is the test binary itself: TestMain calls [RunIfChild], which returns in the test
// process and never returns in a child. The child holds an [Engine] (an implementation of the
// protocol under test behind an interface that all implementations share), reads [Command]s as JSON
// lines from standard input and writes [Event]s as JSON lines to standard output; the library's log
// goes to standard error.
//
// Tests use [Start] and the typed handles [Peer], [Listener] and [Conn]. A wait that fails ends the
// test, and the transcript of commands, events and log lines of every process of a failed test is
// printed.
//
// A further implementation needs an Engine and an entry in the engines table; commands, echo, bulk
// transfer, content checks, killing and transcripts are the same for all.
package peer
