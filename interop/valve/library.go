package valve

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"unsafe"
)

// EnvLibrary names the environment variable that holds the path of the shared library.
const EnvLibrary = "GNS_LIBRARY"

// Library is the loaded shared library.
type Library struct {
	path    string
	sym     symbols
	p2p     p2pSymbols
	utils   uintptr
	sockets uintptr // 0 outside Init…Kill
	config  map[string]configInfo

	mu            sync.Mutex
	statusChanged func(StatusChange)
	debugOutput   func(level int, text string)
	debugPointer  uintptr
	signals       signaling
	lastContext   uintptr
}

// symbols are the functions that the tests need, by their exported names.
type symbols struct {
	Init func(identity *identity, message *errMsg) bool `symbol:"GameNetworkingSockets_Init"`
	Kill func()                                         `symbol:"GameNetworkingSockets_Kill"`

	Sockets            func() uintptr                                                                                     `symbol:"SteamAPI_SteamNetworkingSockets_v009"`
	ListenIP           func(self uintptr, addr *ipAddr, n int32, options *configValue) uint32                             `symbol:"SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP"`
	ConnectIP          func(self uintptr, addr *ipAddr, n int32, options *configValue) uint32                             `symbol:"SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress"`
	Accept             func(self uintptr, conn uint32) Result                                                             `symbol:"SteamAPI_ISteamNetworkingSockets_AcceptConnection"`
	Close              func(self uintptr, conn uint32, reason int32, debug *byte, linger bool) bool                       `symbol:"SteamAPI_ISteamNetworkingSockets_CloseConnection"`
	CloseListen        func(self uintptr, listen uint32) bool                                                             `symbol:"SteamAPI_ISteamNetworkingSockets_CloseListenSocket"`
	SetUserData        func(self uintptr, conn uint32, data int64) bool                                                   `symbol:"SteamAPI_ISteamNetworkingSockets_SetConnectionUserData"`
	UserData           func(self uintptr, conn uint32) int64                                                              `symbol:"SteamAPI_ISteamNetworkingSockets_GetConnectionUserData"`
	SetName            func(self uintptr, conn uint32, name *byte)                                                        `symbol:"SteamAPI_ISteamNetworkingSockets_SetConnectionName"`
	Send               func(self uintptr, conn uint32, data *byte, size uint32, flags int32, number *int64) Result        `symbol:"SteamAPI_ISteamNetworkingSockets_SendMessageToConnection"`
	SendMessages       func(self uintptr, n int32, messages **message, results *int64, deleteFailed bool)                 `symbol:"SteamAPI_ISteamNetworkingSockets_SendMessages"`
	Flush              func(self uintptr, conn uint32) Result                                                             `symbol:"SteamAPI_ISteamNetworkingSockets_FlushMessagesOnConnection"`
	Receive            func(self uintptr, conn uint32, out **message, n int32) int32                                      `symbol:"SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection"`
	Info               func(self uintptr, conn uint32, info *connectionInfo) bool                                         `symbol:"SteamAPI_ISteamNetworkingSockets_GetConnectionInfo"`
	Status             func(self uintptr, conn uint32, status *realTimeStatus, n int32, lanes *laneStatus) Result         `symbol:"SteamAPI_ISteamNetworkingSockets_GetConnectionRealTimeStatus"`
	DetailedStatus     func(self uintptr, conn uint32, buffer *byte, size int32) int32                                    `symbol:"SteamAPI_ISteamNetworkingSockets_GetDetailedConnectionStatus"`
	ListenAddress      func(self uintptr, listen uint32, addr *ipAddr) bool                                               `symbol:"SteamAPI_ISteamNetworkingSockets_GetListenSocketAddress"`
	ConfigureLanes     func(self uintptr, conn uint32, n int32, priorities *int32, weights *uint16) Result                `symbol:"SteamAPI_ISteamNetworkingSockets_ConfigureConnectionLanes"`
	Identity           func(self uintptr, identity *identity) bool                                                        `symbol:"SteamAPI_ISteamNetworkingSockets_GetIdentity"`
	CreatePollGroup    func(self uintptr) uint32                                                                          `symbol:"SteamAPI_ISteamNetworkingSockets_CreatePollGroup"`
	DestroyPollGroup   func(self uintptr, group uint32) bool                                                              `symbol:"SteamAPI_ISteamNetworkingSockets_DestroyPollGroup"`
	SetPollGroup       func(self uintptr, conn, group uint32) bool                                                        `symbol:"SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup"`
	ReceivePollGroup   func(self uintptr, group uint32, out **message, n int32) int32                                     `symbol:"SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup"`
	CertificateRequest func(self uintptr, size *int32, blob *byte, message *errMsg) bool                                  `symbol:"SteamAPI_ISteamNetworkingSockets_GetCertificateRequest"`
	SetCertificate     func(self uintptr, blob *byte, size int32, message *errMsg) bool                                   `symbol:"SteamAPI_ISteamNetworkingSockets_SetCertificate"`
	InitAuth           func(self uintptr) int32                                                                           `symbol:"SteamAPI_ISteamNetworkingSockets_InitAuthentication"`
	AuthStatus         func(self uintptr, status *authStatus) int32                                                       `symbol:"SteamAPI_ISteamNetworkingSockets_GetAuthenticationStatus"`
	RunCallbacks       func(self uintptr)                                                                                 `symbol:"SteamAPI_ISteamNetworkingSockets_RunCallbacks"`
	Utils              func() uintptr                                                                                     `symbol:"SteamAPI_SteamNetworkingUtils_v003"`
	AllocateMessage    func(self uintptr, size int32) *message                                                            `symbol:"SteamAPI_ISteamNetworkingUtils_AllocateMessage"`
	Timestamp          func(self uintptr) int64                                                                           `symbol:"SteamAPI_ISteamNetworkingUtils_GetLocalTimestamp"`
	SetDebugOutput     func(self uintptr, level int32, function uintptr)                                                  `symbol:"SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction"`
	SetConfig          func(self uintptr, id, scope int32, object uintptr, kind int32, value unsafe.Pointer) bool         `symbol:"SteamAPI_ISteamNetworkingUtils_SetConfigValue"`
	GetConfig          func(self uintptr, id, scope int32, object uintptr, kind *int32, value *byte, size *uintptr) int32 `symbol:"SteamAPI_ISteamNetworkingUtils_GetConfigValue"`
	ConfigInfo         func(self uintptr, id int32, kind, scope *int32) *byte                                             `symbol:"SteamAPI_ISteamNetworkingUtils_GetConfigValueInfo"`
	IterateConfig      func(self uintptr, id int32, dev bool) int32                                                       `symbol:"SteamAPI_ISteamNetworkingUtils_IterateGenericEditableConfigValues"`
	ClearAddr          func(self *ipAddr)                                                                                 `symbol:"SteamAPI_SteamNetworkingIPAddr_Clear"`
	PrintAddr          func(self *ipAddr, buffer *byte, size uintptr, withPort bool)                                      `symbol:"SteamAPI_SteamNetworkingIPAddr_ToString"`
	ParseAddr          func(self *ipAddr, s *byte) bool                                                                   `symbol:"SteamAPI_SteamNetworkingIPAddr_ParseString"`
	ClearIdentity      func(self *identity)                                                                               `symbol:"SteamAPI_SteamNetworkingIdentity_Clear"`
	PrintIdentity      func(self *identity, buffer *byte, size uintptr)                                                   `symbol:"SteamAPI_SteamNetworkingIdentity_ToString"`
	ParseIdentity      func(self *identity, size uintptr, s *byte) bool                                                   `symbol:"SteamAPI_SteamNetworkingIdentity_ParseString"`
	ReleaseMessage     func(self *message)                                                                                `symbol:"SteamAPI_SteamNetworkingMessage_t_Release"`
}

// ErrNotFound means that the dynamic loader could not open the library. The text of the error says
// which file was tried and what to do.
var ErrNotFound = errors.New("valve: the GameNetworkingSockets shared library could not be loaded")

// Open loads the library from path. With an empty path it takes the path in the environment
// variable GNS_LIBRARY, and with that empty too, the library's plain name, which the dynamic loader
// looks for where it looks for all libraries.
func Open(path string) (*Library, error) {
	if path == "" {
		path = os.Getenv(EnvLibrary)
	}
	if path == "" {
		path = plainName()
	}
	handle, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("%w: tried %q: %w\nBuild or install Valve's GameNetworkingSockets "+
			"(https://github.com/ValveSoftware/GameNetworkingSockets) with its protobuf and OpenSSL, then set %s "+
			"to the path of %s, or put that file where the dynamic loader finds it",
			ErrNotFound, path, err, EnvLibrary, plainName())
	}
	l := &Library{path: path}
	for _, table := range []any{&l.sym, &l.p2p} {
		if err := l.bindAll(handle, reflect.ValueOf(table).Elem()); err != nil {
			return nil, err
		}
	}
	l.utils = l.sym.Utils()
	l.readConfigTable()
	return l, nil
}

// bindAll finds the functions of a table.
func (l *Library) bindAll(handle uintptr, functions reflect.Value) error {
	for i := range functions.NumField() {
		name := functions.Type().Field(i).Tag.Get("symbol")
		address, err := lookup(handle, name)
		if err != nil {
			return fmt.Errorf("valve: %s has no function %s, so it is not a version of the library that this package knows: %w", l.path, name, err)
		}
		bind(functions.Field(i).Addr().Interface(), address)
	}
	return nil
}

// Path returns what was given to the dynamic loader.
func (l *Library) Path() string { return l.path }

// Init starts the library. identity is in the library's text form; empty means anonymous, for which
// the library itself uses its localhost identity.
func (l *Library) Init(identity string) error {
	var message errMsg
	id, err := l.parseIdentity(identity)
	if err != nil {
		return err
	}
	if !l.sym.Init(id, &message) {
		return fmt.Errorf("valve: GameNetworkingSockets_Init: %s", text(message[:]))
	}
	l.sockets = l.sym.Sockets()
	return nil
}

// Kill closes every connection and stops the library. Peers see reason 2999.
func (l *Library) Kill() {
	l.sym.Kill()
	l.sockets = 0
}

// Timestamp returns the library's clock in microseconds.
func (l *Library) Timestamp() int64 { return l.sym.Timestamp(l.utils) }

// parseIdentity returns nil for the empty string.
func (l *Library) parseIdentity(s string) (*identity, error) {
	if s == "" {
		return nil, nil
	}
	id := new(identity)
	if !l.sym.ParseIdentity(id, unsafe.Sizeof(*id), nulTerminated(s)) {
		return nil, fmt.Errorf("valve: %q is not an identity", s)
	}
	return id, nil
}

func (l *Library) printIdentity(id *identity) string {
	var buffer [128]byte
	l.sym.PrintIdentity(id, &buffer[0], unsafe.Sizeof(buffer))
	return text(buffer[:])
}

// SetDebugOutput makes the library hand its log lines of at most the given level to f, which may be
// called on any thread with the library's locks held and so must not call the library. A nil f
// switches the output off.
func (l *Library) SetDebugOutput(level int, f func(level int, text string)) {
	l.mu.Lock()
	l.debugOutput = f
	if l.debugPointer == 0 && f != nil {
		l.debugPointer = newCallback(func(level int32, text *byte) {
			l.mu.Lock()
			f := l.debugOutput
			l.mu.Unlock()
			if f != nil {
				f(int(level), cString(text))
			}
		})
	}
	pointer := l.debugPointer
	l.mu.Unlock()
	if f == nil {
		pointer = 0
	}
	l.sym.SetDebugOutput(l.utils, int32(level), pointer)
}
