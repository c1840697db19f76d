package gns

import (
	"strings"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/p2p"
)

// iceConfig reads what an ICE agent is to do.
//
// Errors: ErrInvalidState if ICE is turned off, or TURN servers and their users and passwords are not as many.
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
	servers := serverList(store.Text(config.P2PTURNServerList), "turn:")
	users := splitList(store.Text(config.P2PTURNUserList))
	passwords := splitList(store.Text(config.P2PTURNPassList))
	if len(users) != 0 && len(users) != len(servers) || len(passwords) != len(users) {
		// Valve's library goes on without users, which no server wants.
		return 0, nil, nil, ResultInvalidState.errorf("there are %d TURN servers, %d users and %d passwords", len(servers), len(users), len(passwords))
	}
	for i, address := range servers {
		server := p2p.TURNServer{Address: address}
		if len(users) > 0 {
			server.User, server.Password = users[i], passwords[i]
		}
		turn = append(turn, server)
	}
	return tell, stun, turn, nil
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
