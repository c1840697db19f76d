package main

import (
	"fmt"
	"io"

	"github.com/gogns/gns/config"
)

const usageText = `usage: snplua [flags] FILE.lua [arguments]

Runs a Lua script that is written for luasteam's networkingSockets, without Steam:
require 'luasteam' gives it connections over GameNetworkingSockets' protocol, to
other scripts and to programs that use Valve's library. FILE "-" is standard
input. The script finds its arguments in ... and in arg.

  -identity ID     Who this side is: str:alice, steamid:76561197960265729, gen:0a0b,
                   ip:::1. Default: a made-up SteamID, the same for each run of the
                   script on this machine. Nobody vouches for any of them.
  -config NAME=VALUE
                   Set a configuration value; repeat for more. '-config help' lists
                   them. What the script sets in its options tables goes before.
  -signal HOST:PORT
                   Make connectP2P and createListenSocketP2P work: peers are found
                   by SteamID through the signaling server at HOST:PORT, which
                   'snpcat signal' runs. Scripts that run more than once at a time
                   need an -identity each.
  -stun LIST       STUN servers, HOST:PORT,HOST:PORT…, that tell this side's public
                   address to peers on other networks.
  -turn LIST       TURN servers: relays, for when there is no direct path.
  -turn-user NAME  Who we are to all of them.
  -turn-pass TEXT  The password for that. It may be in the environment variable
                   SNPLUA_TURN_PASS instead.
  -force-relay     Use a relay only: the peer does not learn our addresses.
  -loopback        Look for paths within this machine, too. Default: if the -signal
                   address is on it, or it has no other addresses.
  -noauth          Say the truth about authentication, which without Steam and
                   without a certificate is that there is none. Otherwise
                   initAuthentication leads to status 100 by a development mode,
                   because scripts wait for it before they do anything.
  -keylog FILE     Append the session keys to FILE, one line per connection, for
                   tools that decrypt captured packets. Keep the file secret.
  -sandbox         Keep the script from files, programs and the environment: no io,
                   no os beyond clock, date, difftime, time and exit, no debug
                   beyond traceback, and require finds luasteam only.
  -idle TIME       How long Steam.runCallbacks waits for something to happen in a
                   script that does nothing but call it. Default 1ms; with 0 such
                   scripts keep a processor busy.
  -timeout TIME    Stop the script after that time, with exit status 1.
  -v               Log what the library does.
  -h               This text.

  TIME has a unit, as in 1500ms or 2m.

Exit status: that of os.exit; 0 when the script comes to its end; 1 when it fails,
with the error and a traceback on standard error; 2 for wrong usage; 130 when it is
interrupted.
`

// listConfig writes the configuration values.
func listConfig(w io.Writer) {
	for _, info := range config.All() {
		if info.Type == config.TypeFunc {
			continue // cannot be set from text
		}
		fmt.Fprintf(w, "%s (%s)\n    %s\n", info.Name, info.Type, info.Help)
	}
}
