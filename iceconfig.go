package gns

import (
	"strings"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/p2p"
)

// iceConfig reads what an ICE agent is to do.
//
// Errors: ErrInvalidState if ICE is turned off.
func (s *Sockets) iceConfig(store *config.Store) (tell p2p.Candidates, stun []string, turn []p2p.TURNServer, err error) {
	enable := store.Int32(config.P2PTransportICEEnable)
	if enable == config.P2PTransportICEEnableDefault {
		enable = config.P2PTransportICEEnableAll
	}
	tell = p2p.Candidates(enable) & p2p.AllCandidates
	if tell == 0 {
		return 0, nil, nil, ResultInvalidState.errorf("P2P_Transport_ICE_Enable is %d: no address may be told to the peer", enable)
	}
	if tell&p2p.CandidatePublic != 0 {
		stun = serverList(store.Text(config.P2PSTUNServerList), "stun:")
	}
	if tell&p2p.CandidateRelay == 0 {
		return tell, stun, nil, nil
	}
	lists := turnLists(store)
	for i, address := range lists.servers {
		server := p2p.TURNServer{Address: address}
		if lists.fit() {
			server.User, server.Password = lists.users[i], lists.passwords[i]
		}
		turn = append(turn, server)
	}
	return tell, stun, turn, nil
}

// turnConfig is what is configured about TURN servers.
type turnConfig struct{ servers, users, passwords []string }

func turnLists(store *config.Store) turnConfig {
	return turnConfig{
		servers:   serverList(store.Text(config.P2PTURNServerList), "turn:"),
		users:     splitList(store.Text(config.P2PTURNUserList)),
		passwords: splitList(store.Text(config.P2PTURNPassList)),
	}
}

// fit reports whether each server has a user and a password. If not, none has: a peer may be found without a relay too, and
// Valve's library goes on in the same way.
func (c turnConfig) fit() bool {
	return len(c.users) == len(c.servers) && len(c.passwords) == len(c.servers)
}

// mistaken reports whether there are users or passwords that nobody gets.
func (c turnConfig) mistaken() bool {
	return len(c.servers) > 0 && !c.fit() && len(c.users)+len(c.passwords) > 0
}

// serverList splits a list of servers, each of which may have a scheme.
func serverList(list, scheme string) []string {
	servers := splitList(list)
	for i, server := range servers {
		servers[i] = strings.TrimPrefix(server, scheme)
	}
	return servers
}

// splitList splits at commas and drops blanks around what is between them. An empty list has no entries.
func splitList(list string) []string {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	entries := strings.Split(list, ",")
	for i, entry := range entries {
		entries[i] = strings.TrimSpace(entry)
	}
	return entries
}
