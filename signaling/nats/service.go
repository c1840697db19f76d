package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
	natsgo "github.com/nats-io/nats.go"
)

// Options are what a Service is made with.
type Options struct {
	// URL is where the servers are: nats://host:port or tls://host:port, several with commas between them.
	URL string

	// Credentials are asked for each time that a client connects, so that certificates can be replaced before they expire; self is
	// who it is to be. nil: the client names its identity and does not prove it, or proves it in another
	// way, by NATS options. It is for servers of RunServer.
	Credentials func(self crypto.Identity) (Credentials, error)

	// Prefix is what subjects begin with; empty means DefaultPrefix. It is the same for all peers.
	Prefix string

	// Rate and Burst limit what is received from each sender: signals per second in the long run, and at once. More are
	// dropped. 0 means 50 and 200.
	Rate  float64
	Burst int

	// NATS are further options of the connections, such as for TLS (nats.Secure) or credentials of other kinds
	// (nats.UserCredentials, nats.Nkey). How connections come back and what they call is not to be changed.
	NATS []natsgo.Option

	// Logger gets what happens to the connections; nil means that nobody does.
	Logger *slog.Logger
}

// Service is a p2p.SignalingService.
type Service struct {
	options  Options
	subjects subjects
}

// New makes a Service.
func New(o Options) (*Service, error) {
	s, err := makeSubjects(o.Prefix)
	switch {
	case err != nil:
	case o.URL == "":
		err = errors.New("no URL")
	case !(o.Rate >= 0 && o.Rate < 1e9) || o.Burst < 0: // NaN is neither
		err = fmt.Errorf("rate %v and burst %d are not limits", o.Rate, o.Burst)
	}
	if err != nil {
		return nil, fmt.Errorf("NATS signaling: %w", err)
	}
	o.Rate = cmp.Or(o.Rate, 50)
	o.Burst = cmp.Or(o.Burst, 200)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return &Service{o, s}, nil
}

// Open implements p2p.SignalingService. The client, a *Client, has a connection of its own. An error tells that the
// credentials cannot be used; whether a server takes them shows later, in the log.
//
// When an identity is open more than once, anywhere, each gets all signals.
func (s *Service) Open(self crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	token, err := Token(self)
	if err == nil && s.options.Credentials != nil {
		_, err = s.credentials(self)
	}
	if err != nil {
		return nil, fmt.Errorf("NATS signaling: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		service: s,
		self:    self,
		token:   token,
		handler: handler,
		log:     s.options.Logger.With("self", token),
		cancel:  cancel,
		wake:    make(chan struct{}, 1),
		senders: newLimiter(s.options.Rate, s.options.Burst),
	}
	c.active.Go(func() { c.run(ctx) })
	return c, nil
}

// credentials gets those for an identity.
func (s *Service) credentials(self crypto.Identity) (Credentials, error) {
	c, err := s.options.Credentials(self)
	if err != nil {
		return Credentials{}, fmt.Errorf("credentials of %v: %w", self, err)
	}
	cert, err := c.parse()
	if err != nil {
		return Credentials{}, fmt.Errorf("credentials of %v: %w", self, err)
	}
	if cert.Identity != self {
		return Credentials{}, fmt.Errorf("credentials of %v: certificate of %v", self, cert.Identity)
	}
	return c, nil
}
