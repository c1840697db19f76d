package peer

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Kind names an implementation of the protocol.
type Kind string

// Valve is Valve's own library, loaded from GNS_LIBRARY.
const Valve Kind = "valve"

// engines makes an engine of each kind.
var engines = map[Kind]func(Options) (Engine, error){
	Valve: newValveEngine,
}

// Kinds returns the implementations that can be started.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(engines))
	for kind := range engines {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

func newEngine(o Options) (Engine, error) {
	start, ok := engines[o.Kind]
	if !ok {
		return nil, fmt.Errorf("peer: no implementation is called %q (there are %v)", o.Kind, Kinds())
	}
	return start(o)
}

// Options say what a peer process is.
type Options struct {
	Kind     Kind     `json:"kind"`
	Name     string   `json:"name"`               // in transcripts; Start fills it in
	Identity string   `json:"identity"`           // text form; empty: anonymous
	Config   []string `json:"config"`             // process-wide settings, "Name=value" with Valve's names
	Debug    int      `json:"debug"`              // level of the log, with Valve's numbers; 0: Msg (5)
	Manual   bool     `json:"manual"`             // do not accept incoming connections by itself
	Strict   bool     `json:"strict"`             // excuse no log line of level Bug but those that only a busy machine causes
	Intended []string `json:"intended,omitempty"` // parts of log lines of level Bug that the test brings about
	KeyLog   string   `json:"key_log"`            // file that our own library appends session keys to; empty: none

	Enter []string `json:"-"` // command, with arguments, that runs the process somewhere else, such as in a network namespace

	Library     string `json:"library,omitempty"`     // Valve's, instead of the one in GNS_LIBRARY
	Trust       *Trust `json:"trust,omitempty"`       // of our own library; nil: nobody
	AppID       uint32 `json:"app_id,omitempty"`      // of our own library; Valve's has 0
	Certificate []byte `json:"certificate,omitempty"` // shown from the start, with its private key; empty: none
}

// command is how the process is started, with its arguments.
func (o *Options) command(executable string) []string {
	return append(append([]string(nil), o.Enter...), executable)
}

// Engine is an implementation of the protocol behind the calls that its API documents. Handles are
// the API's. Calls that the API answers with a result code return it as a Result. An Engine is used
// by one goroutine.
type Engine interface {
	// Identity returns the engine's own identity in text form.
	Identity() string

	Listen(local netip.AddrPort, options []string) (listen uint32, err error)
	ListenAddr(listen uint32) (netip.AddrPort, error)
	CloseListen(listen uint32) error
	Connect(remote netip.AddrPort, options []string) (conn uint32, err error)
	Accept(conn uint32) error
	Close(conn uint32, reason int, debug string, linger bool) error

	Send(conn uint32, lane int, data []byte, flags int) (number int64, err error)
	Flush(conn uint32) error
	ConfigureLanes(conn uint32, priorities []int, weights []uint16) error

	// Receive returns some of the messages that have arrived, none if there are none.
	Receive(conn uint32) ([]Received, error)

	// RunCallbacks delivers the state changes since the last call to changed, in order.
	RunCallbacks(changed func(conn uint32, old State, info Info))

	// SetConfig sets "Name=value" on a connection, or for the whole process if conn is 0.
	SetConfig(conn uint32, setting string) error
	// SetListenConfig sets "Name=value" on a listen socket.
	SetListenConfig(listen uint32, setting string) error
	// Config returns the effective value of a setting as text.
	Config(conn uint32, name string) (string, error)

	Info(conn uint32) (Info, error)
	Status(conn uint32, lanes int) (Status, error)
	DetailedStatus(conn uint32) (string, error)
	// Totals returns what DetailedStatus tells in numbers.
	Totals(conn uint32) (Totals, error)

	// CertificateRequest, SetCertificate, InitAuthentication and AuthStatus are about one's own certificate.
	CertificateRequest() ([]byte, error)
	SetCertificate(signed []byte) error
	InitAuthentication() int
	AuthStatus() AuthStatus

	// Wake returns a channel that gets a value when a callback or a message is waiting, nil if the
	// implementation cannot tell, and how often to look at the latest.
	Wake() (<-chan struct{}, time.Duration)

	// Shutdown stops the implementation.
	Shutdown()
}

// Received is a message as an engine delivers it.
type Received struct {
	Lane   int
	Number int64
	Flags  int
	Data   []byte
}
