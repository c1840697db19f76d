package crypto

// SteamID64 is Steam's 64-bit account identifier: from the top a universe (8 bits), an account type
// (4), an instance (20) and an account number (32).
type SteamID64 uint64

// Universe is the Steam universe an account lives in.
type Universe uint8

// The universes, with Valve's numbers (EUniverse).
const (
	UniverseInvalid  Universe = 0
	UniversePublic   Universe = 1
	UniverseBeta     Universe = 2
	UniverseInternal Universe = 3
	UniverseDev      Universe = 4
)

// AccountType is the kind of a Steam account.
type AccountType uint8

// The account types, with Valve's numbers (EAccountType).
const (
	AccountTypeInvalid        AccountType = 0
	AccountTypeIndividual     AccountType = 1
	AccountTypeMultiseat      AccountType = 2
	AccountTypeGameServer     AccountType = 3
	AccountTypeAnonGameServer AccountType = 4
	AccountTypePending        AccountType = 5
	AccountTypeContentServer  AccountType = 6
	AccountTypeClan           AccountType = 7
	AccountTypeChat           AccountType = 8
	AccountTypeConsoleUser    AccountType = 9
	AccountTypeAnonUser       AccountType = 10
)

// Instances with a meaning, and the largest there is.
const (
	instanceDesktop   = 1 // the only instance of an individual account in use
	instanceChatClan  = 0x80000
	instanceChatLobby = 0x40000
	instanceMax       = 0xFFFFF
)

// MakeSteamID puts a SteamID64 together. Only the low 20 bits of instance and the low 4 of typ count.
// The result need not be valid.
func MakeSteamID(universe Universe, typ AccountType, instance, account uint32) SteamID64 {
	return SteamID64(uint64(universe)<<56 | uint64(typ&0xF)<<52 | uint64(instance&instanceMax)<<32 | uint64(account))
}

// Universe returns the universe, which may be one without a name here.
func (id SteamID64) Universe() Universe { return Universe(id >> 56) }

// AccountType returns the account type, which may be one without a name here.
func (id SteamID64) AccountType() AccountType { return AccountType(id >> 52 & 0xF) }

// Instance returns the instance of the account, 0 to 1048575.
func (id SteamID64) Instance() uint32 { return uint32(id >> 32 & instanceMax) }

// Account returns the account number.
func (id SteamID64) Account() uint32 { return uint32(id) }

// IsValid reports whether id can be an account: universe and type exist, and the account number and
// instance are as the type demands. It is the rule for text ("steamid:...").
func (id SteamID64) IsValid() bool {
	if typ := id.AccountType(); typ == AccountTypeInvalid || typ > AccountTypeAnonUser {
		return false
	}
	if u := id.Universe(); u == UniverseInvalid || u > UniverseDev {
		return false
	}
	switch id.AccountType() {
	case AccountTypeIndividual:
		return id.Account() != 0 && id.Instance() == instanceDesktop
	case AccountTypeClan:
		return id.Account() != 0 && id.Instance() == 0
	case AccountTypeGameServer:
		return id.Account() != 0
	default:
		return true
	}
}

// identifiesPeer is the rule for the binary fields of messages and certificates: a person or a game
// server with an account number. It looks at neither universe nor instance, so each of the two rules
// accepts ids that the other refuses.
func (id SteamID64) identifiesPeer() bool {
	if id.Account() == 0 {
		return false
	}
	switch id.AccountType() {
	case AccountTypeIndividual, AccountTypeConsoleUser, AccountTypeGameServer, AccountTypeAnonGameServer:
		return true
	default:
		return false
	}
}
