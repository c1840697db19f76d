package main

// benchUsageText is what "snpcat bench -h" prints.
const benchUsageText = `usage: snpcat bench [flags]

Measures the library on this machine: a server process and a client process per
run, over loopback. A line of JSON per run goes to standard output, a table to
standard error. All content is checked.

workloads (-w, separated by commas; default all, which takes a minute):
  w1   bulk: one connection, reliable messages of 16 KiB
  w2   small reliable messages of 100 bytes, 32 per call of SendMessages
  w3   small unreliable messages of 100 bytes, NoDelay and NoNagle, likewise
  w4   ping-pong: one reliable message of 64 bytes under way
  w5   handshakes, 32 at a time: connect, then close
  w6   1000 connections, each sends 100 bytes 20 times a second and gets them
       back
  w7   on a path that loses 5 % each way, with a round trip of 50 ms: bulk at
       10 MiB/s (w7b), and 50 connections as in w6, reliable (w7m)

  -runs N            Repeat everything (default 1); the table has medians.
  -duration TIME     How long to send.
  -rate BYTES        Send rate of a connection per second: 1000000, 512k or 70m.
  -conns N           Connections (w1 to w4, w6, w7).
  -hz N              Messages per second and connection (w6, w7m).
  -size BYTES        Size of messages.
  -batch N           Messages per call of SendMessages (w1 to w3); 1 sends each
                     with a call of its own.
  -parallel N        Handshakes at a time (w5).
  -reliable          Reliable messages (w6).
  -poll              Receive through Wait and a poll group (w4).
  -config NAME=VALUE A configuration value for both sides; repeat for more.
  -shared N          UDP sockets that the connections of the client share; each
                     has one of its own otherwise.
  -listensockets N   UDP sockets of the server (Linux).
  -readbuffer BYTES  What the system is asked to buffer for each socket, such as
                     16m (default 4m).
  -gomaxprocs N      Processors that a process may use.
  -cpuprofile FILE   Write CPU profiles, for 'go tool pprof': to FILE with the
                     workload, the run and the side added.

On two machines, one run of one workload:
  snpcat bench -w w1 -serve 0.0.0.0:27015
  snpcat bench -w w1 -connect 192.0.2.1:27015

Each prints its own line of JSON then, and w7 has a perfect network unless
-config says otherwise. With -clients N, the server waits for N clients, which
may be needed to keep it busy.
`
