package gns

import (
	"crypto/ed25519"
	"io"
	"log/slog"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// Option adjusts Dial or Listen.
type Option func(*idiomOptions)

// idiomOptions is what the options of Dial and Listen add up to.
type idiomOptions struct {
	sockets *Sockets
	opts    Options
	expect  Identity
	accept  func(ConnectionInfo) error
}

// WithSockets uses an existing Sockets, with its identity, configuration and log, instead of making one
// for this connection or listener alone. All other options but WithConfig, WithExpectedIdentity and WithAcceptFunc
// then mean nothing.
func WithSockets(s *Sockets) Option { return func(o *idiomOptions) { o.sockets = s } }

// WithIdentity says who this side is. Without it this side is anonymous.
func WithIdentity(id Identity) Option { return func(o *idiomOptions) { o.opts.Identity = id } }

// WithConfig sets configuration values for the connection, or for all connections of the listener.
func WithConfig(values ...config.Value) Option {
	return func(o *idiomOptions) { o.opts.Config = append(o.opts.Config, values...) }
}

// WithLogger logs what is worth knowing; see Options.Logger.
func WithLogger(l *slog.Logger) Option { return func(o *idiomOptions) { o.opts.Logger = l } }

// WithKeyLog writes session keys to w, for debugging; see Options.KeyLog.
func WithKeyLog(w io.Writer) Option { return func(o *idiomOptions) { o.opts.KeyLog = w } }

// WithUDP sets the options of the UDP sockets; see Options.UDP.
func WithUDP(opts udp.Options) Option { return func(o *idiomOptions) { o.opts.UDP = opts } }

// WithAppID sets the app ID; see Options.AppID.
func WithAppID(id uint32) Option { return func(o *idiomOptions) { o.opts.AppID = id } }

// WithTrustedCAs trusts certificate authorities, and refuses peers for whom none of them vouches; see
// Options.TrustedCAs.
func WithTrustedCAs(keys ...ed25519.PublicKey) Option {
	return func(o *idiomOptions) { o.opts.TrustedCAs = append(o.opts.TrustedCAs, keys...) }
}

// WithTrustStore is WithTrustedCAs with a store that knows revocations and may change; see
// Options.TrustStore.
func WithTrustStore(store *pki.Store) Option {
	return func(o *idiomOptions) { o.opts.TrustStore = store }
}

// WithRequireAuth refuses everybody who is not authenticated, and plain text; see Options.RequireAuth.
func WithRequireAuth() Option { return func(o *idiomOptions) { o.opts.RequireAuth = true } }

// WithCertificate shows a certificate to peers; see Options.Certificate.
func WithCertificate(certificate []byte) Option {
	return func(o *idiomOptions) { o.opts.Certificate = certificate }
}

// WithCertificateSource gets the certificate to show from there, and waits for it: Dial until its context is
// done, Listen for the first attempt; see Options.CertificateSource.
func WithCertificateSource(source CertificateSource) Option {
	return func(o *idiomOptions) { o.opts.CertificateSource = source }
}

// WithICE makes P2P connections possible; see Options.ICE.
func WithICE(ice p2p.ICE) Option { return func(o *idiomOptions) { o.opts.ICE = ice } }

// WithSignaling is how P2P peers find each other; see Options.Signaling.
func WithSignaling(service p2p.SignalingService) Option {
	return func(o *idiomOptions) { o.opts.Signaling = service }
}

// WithExpectedIdentity makes Dial fail unless the peer has this identity. If this side trusts any
// certificate authority, one of them must vouch for it, whatever IP_AllowWithoutAuth says; if it trusts none,
// this is no protection against anybody who lies about who it is.
func WithExpectedIdentity(id Identity) Option { return func(o *idiomOptions) { o.expect = id } }

// WithAcceptFunc lets f look at every incoming connection, in the goroutine that calls
// Listener.Accept. An error refuses it; its text is told to the peer, and if it is a *CloseError its
// reason as well.
func WithAcceptFunc(f func(ConnectionInfo) error) Option {
	return func(o *idiomOptions) { o.accept = f }
}

// collect applies options and makes the Sockets if none was given. Configuration values that belong to
// the new Sockets as a whole are taken there; the rest is returned for the connection or listener.
func collect(opts []Option) (*Sockets, *idiomOptions, []config.Value, error) {
	o := &idiomOptions{}
	for _, f := range opts {
		f(o)
	}
	if o.sockets != nil {
		return o.sockets, o, o.opts.Config, nil
	}
	s, err := New(&o.opts)
	return s, o, nil, err
}
