package nats

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/p2p"
	"github.com/nats-io/nats-server/v2/server"
)

// DefaultAddress is where a server listens unless options say otherwise: for programs of the same machine only.
const DefaultAddress = "127.0.0.1:4222"

// ServerOptions are what a Server is made with.
type ServerOptions struct {
	// Address is the host:port to listen on; empty means DefaultAddress. Port 0 takes a free one. An empty host is all
	// addresses of the machine.
	Address string

	// Store are the authorities that are trusted to say who somebody is. Clients then have to have certificates. Revocations take
	// effect within an hour on those that are connected. nil: clients name any identity they like, and are held to it
	// while connected.
	Store *pki.Store

	// AppID is the application that certificates must permit.
	AppID uint32

	// Prefix is what subjects begin with; empty means DefaultPrefix.
	Prefix string

	// Clients is how many connections there can be; 0 means 65536.
	Clients int

	// TLS encrypts connections. Without, those who can watch or change the traffic can take over connections of clients.
	TLS *tls.Config

	// Logger gets what the server has to say; nil means that nobody does.
	Logger *slog.Logger

	recheck time.Duration // for tests; 0 means recheckEvery
}

// Limits of a server that need no setting.
const (
	maxPending    = 1 << 20 // bytes that wait for one client, which is then disconnected
	maxSubs       = 16      // of a client, which has two
	maxLine       = 8 << 10 // of the protocol; the longest has a certificate
	startTimeout  = 10 * time.Second
	authTimeout   = 10 * time.Second // many clients may come at the same time
	serverTimeout = 10 * time.Second // for a client that reads nothing
)

// Server is a NATS server inside of the program, for signals only.
type Server struct {
	server *server.Server
	tls    bool
}

// RunServer starts a server.
func RunServer(o ServerOptions) (*Server, error) {
	s, err := runServer(o)
	if err != nil {
		return nil, fmt.Errorf("NATS signaling: server: %w", err)
	}
	return s, nil
}

func runServer(o ServerOptions) (*Server, error) {
	subjects, err := makeSubjects(o.Prefix)
	if err != nil {
		return nil, err
	}
	host, port, err := splitAddress(cmp.Or(o.Address, DefaultAddress))
	if err != nil {
		return nil, err
	}
	log := cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	options := &server.Options{
		ServerName:                 "gns-signaling",
		Host:                       host,
		Port:                       port,
		NoSigs:                     true,
		NoSystemAccount:            true,
		MaxConn:                    cmp.Or(o.Clients, 65536),
		MaxSubs:                    maxSubs,
		MaxPayload:                 p2p.MaxSignal,
		MaxPending:                 maxPending,
		MaxControlLine:             maxLine,
		PingInterval:               pingEvery,
		MaxPingsOut:                maxPings,
		AuthTimeout:                authTimeout.Seconds(),
		WriteDeadline:              serverTimeout,
		TLSConfig:                  o.TLS,
		TLSTimeout:                 authTimeout.Seconds(),
		AlwaysEnableNonce:          true,
		CustomClientAuthentication: &authenticator{o.Store, o.AppID, cmp.Or(o.recheck, recheckEvery), subjects, log},
	}
	inner, err := server.NewServer(options)
	if err != nil {
		return nil, err
	}
	l := &logger{log: log}
	inner.SetLoggerV2(l, false, false, false)
	inner.Start()
	if err := started(inner, l); err != nil {
		inner.Shutdown()
		inner.WaitForShutdown()
		return nil, err
	}
	return &Server{inner, o.TLS != nil}, nil
}

// started waits until a server runs, or has failed.
func started(inner *server.Server, l *logger) error {
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		if inner.ReadyForConnections(startTimeout / 100) {
			return nil
		}
		if err := l.fatal(); err != nil {
			return err
		}
	}
	return errors.New("not ready in time")
}

// splitAddress takes host:port apart in the way of the options.
func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("address %s: port %q is not a number from 0 to 65535", address, text)
	}
	port = int(n)
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return cmp.Or(host, server.DEFAULT_HOST), port, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() net.Addr { return s.server.Addr() }

// URL returns where programs of this machine reach the server, for Options.URL.
func (s *Server) URL() string {
	addr := s.server.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "localhost"
	}
	scheme := "nats"
	if s.tls {
		scheme = "tls"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(addr.Port))
}

// Clients returns how many clients are connected.
func (s *Server) Clients() int { return s.server.NumClients() }

// ServerStats are counts of a Server since it was started.
type ServerStats struct {
	Clients       int    // at this moment
	Connections   uint64 // all there have been
	MessagesIn    uint64 // from clients
	MessagesOut   uint64 // to clients, answers that there is nobody included
	BytesIn       uint64 // of signals
	BytesOut      uint64
	SlowConsumers uint64 // clients disconnected because they did not read
}

// Stats returns the counts so far.
func (s *Server) Stats() ServerStats {
	v, err := s.server.Varz(nil)
	if err != nil { // never happens
		return ServerStats{}
	}
	return ServerStats{
		Clients: v.Connections, Connections: v.TotalConnections, MessagesIn: uint64(v.InMsgs), MessagesOut: uint64(v.OutMsgs),
		BytesIn: uint64(v.InBytes), BytesOut: uint64(v.OutBytes), SlowConsumers: uint64(v.SlowConsumers),
	}
}

// Close ends the server and returns when nothing of it is running any more.
func (s *Server) Close() error {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	return nil
}
