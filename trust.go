package gns

import (
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/conn"
)

// setTrust takes from the options whom to trust, and what to think of others.
func (s *Sockets) setTrust(opts *Options) error {
	var err error
	switch {
	case opts.TrustStore == nil:
		s.trust, err = pki.NewStore(opts.TrustedCAs...)
	case len(opts.TrustedCAs) > 0:
		err = ResultInvalidParam.errorf("TrustedCAs and TrustStore are both given")
	default:
		s.trust = opts.TrustStore
	}
	if err != nil {
		return ResultInvalidParam.wrap(err)
	}
	s.replay, s.keys = crypto.NewReplayGuard(), crypto.NewKeyCache()
	s.requireAuth = opts.RequireAuth
	if opts.TrustStore == nil && len(opts.TrustedCAs) == 0 {
		if opts.RequireAuth {
			return ResultInvalidParam.errorf("RequireAuth without TrustedCAs or TrustStore: nobody could connect")
		}
		return nil
	}
	s.trusting = true
	for _, id := range []config.ID{config.IPAllowWithoutAuth, config.IPLocalHostAllowWithoutAuth} {
		if err := s.iface.Set(config.Int32(id, 0)); err != nil {
			return err
		}
	}
	return nil
}

// TrustStore returns what decides which certificates of peers are trusted: it takes and gives up
// authorities, intermediate certificates and revocations at any time, which counts for connections that are
// accepted, or established by this side, from then on. What has become of their peers' certificates since does not concern existing ones; PeerAuth.KeyID
// tells which of them to close.
//
// Adding authorities to the store of a Sockets that was made without any does not make it refuse
// unauthenticated peers; IP_AllowWithoutAuth does.
func (s *Sockets) TrustStore() *pki.Store { return s.trust }

// settings are the effective settings of a connection.
func (s *Sockets) settings(store *config.Store) conn.Settings {
	set := settingsOf(store)
	if s.requireAuth {
		set.IPAllowWithoutAuth, set.IPLocalHostAllowWithoutAuth = 0, 0
	}
	return set
}

// trusts reports whether anybody could vouch for a peer, now or before every authority was removed or revoked.
func (s *Sockets) trusts() bool { return s.trusting || !s.trust.IsEmpty() }

// demandsAuth reports whether peers must be authenticated to get through with a configuration.
func (s *Sockets) demandsAuth(store *config.Store) bool {
	return s.requireAuth || store.Int32(config.IPAllowWithoutAuth) == 0
}
