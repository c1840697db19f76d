package main

// usageText is what "snpcat help" prints.
const usageText = `snpcat - netcat for Valve's GameNetworkingSockets protocol

usage:
  snpcat [flags] HOST:PORT         connect
  snpcat -l [flags] [ADDR]:PORT    listen (port 0 takes a free one)
  snpcat -p2p [flags] IDENTITY     connect to a peer by its identity
  snpcat -l -p2p [flags]           listen for peers that do
  snpcat demo [flags]              watch the library at work on a bad network
  snpcat bench [flags]             measure the library on this machine
  snpcat signal [ADDR:PORT]        run a signaling server for P2P connections
  snpcat config [WORD...]          list all configuration values for -config
  snpcat help                      this text

Each line of standard input is sent as one reliable message, without its line
end; each message that arrives is written to standard output as one line.
Everything else, such as who has connected and why a connection ended, goes to
standard error.

The end of the input closes the connection as soon as everything reliable has
been delivered. So does Ctrl-C; press it again not to wait for delivery.

listening:
  -l               Listen. One peer is accepted, all others are refused, and the
                   program ends when that one has closed. If the input is empty
                   from the start and no terminal (/dev/null, for example), the
                   peer is only listened to.
  -k               Keep accepting: any number of peers, at the same time and
                   until interrupted. Input goes to the one that has been
                   connected longest, and waits as long as there is none.
  -broadcast       Accept any number of peers and send the input to all that are
                   connected, as fast as the slowest of them takes it. Without
                   -k the program ends when all have left.
  -echo            Send every message back as it came: same lane, same
                   reliability. Input is not read, and output is written only
                   with -json.

messages:
  -u               Send unreliable messages: they may be lost or overtake each
                   other. (More than 16500 bytes are sent reliably anyway.)
  -n               Send at once: do not let small messages wait up to 5 ms
                   (NagleTime) for others to share a packet with.
  -lane N          Send on lane N, from 0 (default 0).
  -lanes P:W,P:W   Make lanes, one for each pair of priority and weight. A lower
                   priority goes strictly first; equal priorities share the
                   bandwidth by weight, 1 to 65535. Default: as many equal
                   lanes as -lane needs. At most 255.
  -raw             Bytes instead of lines: input is sent in messages of up to
                   65536 bytes (with -u of up to 1100), and output is exactly
                   the content of the messages.
  -hex             Each line, of input and of output, is a message in hex.
  -json            Output is one JSON object per message or event, see below.

  A message has at most 524288 bytes, and no more than SendBufferSize. A line
  that makes no message, because it is too long or no hexadecimal, is refused at
  a terminal and otherwise ends the program with status 1.

connection:
  -identity ID     Who to say we are, such as str:alice or
                   steamid:76561197960265729. Default: nobody in particular.
  -config NAME=VALUE
                   Set a configuration value; repeat for more. 'snpcat config'
                   lists them.
  -timeout TIME    Give up when there is no connection after that time. Default:
                   10s to connect, for ever to listen.
  -linger TIME     When closing, wait at most that long for delivery; 0 does not
                   wait. Default: as long as the peer answers.
  -wait TIME       After the end of the input, go on receiving for that time
                   before closing. Default 0.
  -keylog FILE     Append the session keys to FILE, one line per connection, for
                   tools that decrypt captured packets. Keep the file secret.

  -app N           The application's number, and the peer's. Default 0.

  TIME is a number of seconds, or has a unit as in 1500ms or 2m.

peers by identity, also behind address translation (NAT):
  -p2p             Connect to an identity such as str:bob, or listen for those
                   who connect to ours, for which -identity must be given. Peers
                   find each other through a signaling server, and then a path
                   between them, which is told, and again whenever it changes.
  -signal HOST:PORT
                   The signaling server; 'snpcat signal' runs one. Default
                   127.0.0.1:10000.
  -vport N         The virtual port to connect to, or to listen on, 0 to 65535.
                   Default 0.
  -stun LIST       STUN servers, HOST:PORT,HOST:PORT…, that tell us our public
                   address. Without any, peers are found on our own network, or
                   if they have a public address themselves.
  -turn LIST       TURN servers: relays, for when there is no direct path.
  -turn-user NAME  Who we are to all of them.
  -turn-pass TEXT  The password for that. It may be in the environment variable
                   SNPCAT_TURN_PASS instead, where others on this machine do not
                   see it.
  -force-relay     Use a relay only: the peer does not learn our addresses.
  -symmetric       Both sides connect to each other with -symmetric, and neither
                   listens: whoever comes first, there is one connection.
  -loopback        Look for paths within this machine, too. Default: if the
                   -signal address is on it, or it has no other addresses. Turn
                   it off with -loopback=false.

who is at the other end (the command snpcert makes the files):
  -ca FILE         Trust the certificate authorities in FILE: their public keys,
                   and certificates of authorities below them. Peers for whom
                   none of them vouches are refused, and so is plain text.
                   Without -ca a peer may claim to be anybody.
  -unverified      With -ca, let the others in too, and say so.
  -revoked FILE    Do not trust the keys listed in FILE.
  -cert FILE       Show the certificate in FILE, which also has its private key;
                   this gives the -identity that it is for. Nobody else may be
                   able to read the file. An encrypted key takes its passphrase
                   from the environment variable SNPCERT_PASSPHRASE.
  -key FILE        Take the private key from there instead.
  -expect ID       Connect to nobody but ID, with -ca. (With -p2p that is so
                   without it.)

diagnostics, on standard error:
  -stats           Show ping, rates and loss as it goes, and totals at the end.
  -v               Log what the library does.
  -h               This text.

examples:
  chat:            snpcat -l :27015
                   snpcat localhost:27015
  copy a file:     snpcat -l -raw :27015 >copy </dev/null
                   snpcat -raw -stats example.com:27015 <file
  copy it faster than the 256 KiB/s that are the default, here 20 MB/s:
                   snpcat -raw -config SendRateMin=20000000 \
                       -config SendRateMax=20000000 example.com:27015 <file
  echo server:     snpcat -l -k -echo :27015
                   echo hello | snpcat -wait 1s localhost:27015
  tell everybody:  tail -f news | snpcat -l -k -broadcast :27015
  a bad network:   snpcat -config FakePacketLoss_Send=10 \
                       -config FakePacketLag_Send=100 example.com:27015
  peers by name, here on one machine:
                   snpcat signal
                   snpcat -l -p2p -identity str:bob
                   snpcat -p2p -identity str:alice str:bob
  be certain of the other end:
                   snpcert ca -o ca.key
                   snpcert issue -ca ca.key -identity str:bob -o bob.cert
                   snpcat -l -ca ca.key.pub -unverified -cert bob.cert :27015
                   snpcat -ca ca.key.pub -expect str:bob example.com:27015
  a server made with Valve's library, such as its example_chat:
                   example_chat server --port 27020
                   snpcat -identity str:alice 127.0.0.1:27020

JSON objects (-json), one per line; all have "event" and "time" (RFC 3339):
  listening   addr; with -p2p identity, vport and signal
  connected   conn (number of the connection), addr, identity, encrypted,
              authenticated, and problem if it is not (why)
  route       with -p2p: conn, kind (local, direct or relayed), local and remote
              (addresses of the path), local_type and remote_type (host, srflx,
              prflx or relay)
  message     conn, lane (from 0), number (the sender counts the messages on a
              lane from 1), reliable, size (bytes), and the content: text if it
              is valid UTF-8, else base64; with -hex always hex
  closed      conn, addr, by (local, peer or problem), reason (number), name,
              debug (the words of the closing side)
  failed      addr, error; and by, reason, name, debug if the peer had a say
  With -p2p, addr is missing where a relay hides it, and the identity in failed.

exit status:
  0  the connection was closed, by either side, for an ordinary reason of the
     application (1000 to 1999; this program uses 1000)
  1  it failed, was lost or was closed for another reason; or input or output
     failed
  2  wrong usage
  With -k only this program's own end counts, not that of each connection.
`

// configUsageText is what "snpcat config -h" prints.
const configUsageText = `usage: snpcat config [WORD...]

Lists the configuration values that -config can set, with type, default, limits
and meaning; with words, those that mention all of them.
`

// configFootText ends the list of all configuration values.
const configFootText = `
Set them with -config NAME=VALUE. Upper and lower case and underscores in names
do not matter; numbers out of range are brought into it.
`

// demoUsageText is what "snpcat demo -h" prints.
const demoUsageText = `usage: snpcat demo [flags]

A server and a client in this process talk over UDP sockets on this machine that
lose, delay, reorder and duplicate packets. The demo shows what arrives, ends by
itself and checks that every reliable message arrived once, in order and
unchanged: exit status 0 if so, otherwise 1.

  -loss PERCENT      packets lost, each way (default 10)
  -lag TIME          delay of every packet, each way (default 40ms)
  -reorder PERCENT   packets that are overtaken by later ones (default 10)
  -dup PERCENT       packets that arrive twice (default 5)
  -duration TIME     how long to send (default 6s)
  -plain             a line per second instead of a live picture; always so
                     where standard output is no terminal
`
