package nats

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/gogns/gns/crypto/pki"
	"github.com/nats-io/nats-server/v2/server"
)

// authenticator decides which clients a server lets in, and as whom.
type authenticator struct {
	store    *pki.Store // nil: as whom they like
	app      uint32
	recheck  time.Duration
	subjects subjects
	log      *slog.Logger
}

// recheckEvery is how long a client may stay without proving again who it is, at most: so much later revocations take
// effect. Clients come back at once and lose nothing.
const recheckEvery = time.Hour

// Check implements server.Authentication.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
	token, until, err := a.identify(c)
	if err != nil {
		a.log.Debug("client refused", "client", c.RemoteAddress(), "err", err)
		return false
	}
	p := a.subjects.permissions(token)
	c.RegisterUser(&server.User{
		Username:           token,
		ConnectionDeadline: until,
		Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: p.Publish},
			Subscribe: &server.SubjectPermission{Allow: p.Subscribe},
		},
	})
	return true
}

// identify returns the token of the client's identity, and when the client has to prove it again; zero means never.
func (a *authenticator) identify(c server.ClientAuthentication) (token string, until time.Time, err error) {
	if c.Kind() != server.CLIENT {
		return "", time.Time{}, fmt.Errorf("connection of kind %d", c.Kind())
	}
	options := c.GetOpts()
	if a.store == nil {
		if _, err := ParseToken(options.Username); err != nil {
			return "", time.Time{}, fmt.Errorf("user name: %w", err)
		}
		return options.Username, time.Time{}, nil
	}
	now := time.Now()
	cert, scope, err := verify(a.store, options.Sig, c.GetNonce(), now)
	if err != nil {
		return "", time.Time{}, err
	}
	if err := pki.CheckApp(cert, &scope, a.app); err != nil {
		return "", time.Time{}, err
	}
	if err := pki.CheckAddress(cert, &scope, addrOf(c.RemoteAddress())); err != nil {
		return "", time.Time{}, err
	}
	token, err = Token(cert.Identity)
	until = now.Add(a.recheck/2 + rand.N(a.recheck/2))
	if end := cert.Expiry.Add(time.Second); end.Before(until) { // the last second is still good
		until = end
	}
	return token, until, err
}

func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{} // which no list permits
}
