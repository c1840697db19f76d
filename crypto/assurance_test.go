package crypto

import (
	"crypto/ed25519"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func addresses(list ...string) func(*crafted) {
	return func(p *crafted) { p.cert.IpAddresses = list }
}

func strictly(c *HandshakeConfig) { c.Require = true }

func limited(list ...string) func(*HandshakeConfig) {
	var scope Scope
	for _, text := range list {
		scope.Addresses = append(scope.Addresses, netip.MustParsePrefix(text))
	}
	return trusting(scoped{authority, scope})
}

// How far the peer's identity is verified, what is said about it, and who insists on more. The peer is at
// 10.1.2.3.
func TestAssurance(t *testing.T) {
	t.Parallel()
	bob := identity("str:bob")
	signed := all(bob, signedBy(authorityKey))
	stranger := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	const anonGameServer = uint64(1)<<56 | uint64(AccountTypeAnonGameServer)<<52 | 7
	trusted := trusting(authority)
	for _, test := range []struct {
		name      string
		craft     func(*crafted)
		trust     func(*HandshakeConfig)
		assurance Assurance
		problem   string // why it is no more than that; empty: it is certified
		check     Check  // which fails if certified identities are required
	}{
		{"anonymous", nil, trusted, AssuranceNone, "not signed", CheckUnsigned},
		{"claim", bob, trusted, AssuranceClaimed, "not signed", CheckUnsigned},
		{"claim beside the certificate", identityBeside("str:bob"), trusted, AssuranceClaimed, "not signed", CheckUnsigned},
		{"an address, claimed", identity("ip:1.2.3.4:5"), trusted, AssuranceNone, "not signed", CheckUnsigned},
		{"signed", signed, trusted, AssuranceCertified, "", 0},
		{"signed by a stranger", all(bob, signedBy(stranger)), trusted, AssuranceClaimed, "authority", CheckCASignature},
		{"signed, nobody is trusted", signed, trusting(nil), AssuranceClaimed, "unknown", CheckCASignature},
		{"signed, an address", all(identity("ip:1.2.3.4:5"), signedBy(authorityKey)), trusted, AssuranceNone, "not somebody's identity", CheckIdentity},
		{"signed, no identity", func(p *crafted) {
			noIdentity(p)
			id := anonGameServer
			p.beside.SteamID = &id
			p.cert.GameserverDatacenterIds = []uint32{1}
			signedBy(authorityKey)(p)
		}, trusted, AssuranceClaimed, "vouches for no identity", CheckIdentity},

		{"signed for this address", all(signed, addresses("192.0.2.1", "10.1.2.3")), trusted, AssuranceCertified, "", 0},
		{"signed for this address, mapped", all(signed, addresses("::ffff:10.1.2.3")), trusted, AssuranceCertified, "", 0},
		{"signed for this network", all(signed, addresses("10.0.0.0/8")), trusted, AssuranceCertified, "", 0},
		{"signed for another address", all(signed, addresses("192.0.2.1", "2001:db8::/32")), trusted, AssuranceClaimed, "not 10.1.2.3", CheckAddress},
		{"signed for what is no address", all(signed, addresses("here")), trusted, AssuranceClaimed, `"here"`, CheckAddress},
		{"signed by one for this network", signed, limited("10.0.0.0/8"), AssuranceCertified, "", 0},
		{"signed by one for another network", signed, limited("11.0.0.0/8"), AssuranceClaimed, "may sign for addresses [11.0.0.0/8]", CheckAddress},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, role := range []Role{RoleServer, RoleClient} {
				p := newCrafted(t)
				if test.craft != nil {
					test.craft(p)
				}
				h := craftedEnd(t, role, test.trust)
				require.Zero(t, h.PeerAuth())
				_, err := p.present(h)
				require.NoError(t, err)
				cert, _ := p.build()
				auth := h.PeerAuth()
				require.Equal(t, test.assurance, auth.Assurance)
				require.Equal(t, KeyID(p.cert.KeyData), auth.KeyID)
				require.Equal(t, cert.GetCaKeyId(), auth.AuthorityKeyID)
				require.Contains(t, auth.Problem, test.problem)
				require.Equal(t, test.problem == "", auth.Problem == "")

				strict := craftedEnd(t, role, test.trust, strictly)
				_, err = p.present(strict)
				if test.assurance == AssuranceCertified {
					require.NoError(t, err)
					continue
				}
				requireFailure(t, err, ReasonBadCert, test.check, test.problem)
			}
		})
	}
}

// A crypt info of an authenticated peer is good for one connection, whatever happened to that, and as long
// as no connection came of it, for as many attempts as it takes.
func TestReplay(t *testing.T) {
	t.Parallel()
	guard := NewReplayGuard()
	guarded := func(c *HandshakeConfig) { c.Replay = guard }
	signed := all(identity("str:bob"), signedBy(authorityKey))
	for _, role := range []Role{RoleServer, RoleClient} {
		p := newCrafted(t)
		p.info.Nonce = new(uint64)
		*p.info.Nonce = uint64(role)
		signed(p)
		first, second := craftedEnd(t, role, trusting(authority), guarded), craftedEnd(t, role, trusting(authority), guarded)
		for _, h := range []*Handshake{first, second} {
			_, err := p.present(h)
			require.NoError(t, err, "no connection came of it yet")
		}
		_, err := first.Finish(1, 2)
		require.NoError(t, err)
		_, err = first.Finish(1, 2)
		require.NoError(t, err, "the same connection")
		_, err = second.Finish(3, 4)
		requireFailure(t, err, ReasonBadCrypt, CheckReplay, "recorded")

		_, err = p.present(craftedEnd(t, role, trusting(authority), guarded))
		requireFailure(t, err, ReasonBadCrypt, CheckReplay, "recorded")
		_, err = p.present(craftedEnd(t, role, trusting(authority)))
		require.NoError(t, err, "unguarded")
		_, err = p.present(craftedEnd(t, role, guarded))
		require.NoError(t, err, "whose identity is a mere claim may be anybody, so it does not matter")
	}
}

func TestReplayGuardForgetsTheOldest(t *testing.T) {
	t.Parallel()
	guard := NewReplayGuard()
	info := func(i int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(i)) }
	for i := range 3*replayMemory + 5 {
		require.True(t, guard.use(info(i)))
		require.False(t, guard.use(info(i)))
		require.LessOrEqual(t, len(guard.seen), replayMemory)
	}
	require.False(t, guard.Seen(info(2*replayMemory+4)))
	require.True(t, guard.Seen(info(2*replayMemory+5)))
	require.True(t, guard.Seen(info(3*replayMemory+4)))
}
