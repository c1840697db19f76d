package crypto

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// String renders id in Valve's bracket form, such as "[U:1:22202]". It is for people: identities use
// the decimal number. Instances other than those of [A:...] and [M:...] are not shown, and types without
// a letter of their own show as 'i'.
func (id SteamID64) String() string {
	letter, withInstance := byte('i'), false
	switch id.AccountType() {
	case AccountTypeInvalid:
		letter = 'I'
	case AccountTypeIndividual:
		letter = 'U'
	case AccountTypeMultiseat:
		letter, withInstance = 'M', true
	case AccountTypeGameServer:
		letter = 'G'
	case AccountTypeAnonGameServer:
		letter, withInstance = 'A', true
	case AccountTypePending:
		letter = 'P'
	case AccountTypeContentServer:
		letter = 'C'
	case AccountTypeClan:
		letter = 'g'
	case AccountTypeChat:
		switch {
		case id.Instance()&instanceChatClan != 0:
			letter = 'c'
		case id.Instance()&instanceChatLobby != 0:
			letter = 'L'
		default:
			letter = 'T'
		}
	case AccountTypeAnonUser:
		letter = 'a'
	}
	if withInstance {
		return fmt.Sprintf("[%c:%d:%d:%d]", letter, id.Universe(), id.Account(), id.Instance())
	}
	return fmt.Sprintf("[%c:%d:%d]", letter, id.Universe(), id.Account())
}

// ParseSteamID reads the forms that Valve's strict parser reads: the bracket form with or without its
// brackets ("[U:1:5]", "G:1:5", "[A:1:5:77]", "A:5(77)"), "universe:account", an account number in
// defaultUniverse, or a whole 64-bit id. Universe 0 in the text means defaultUniverse. The letters M, P
// and I, which String can print, are not read.
//
// A text of the right form is accepted even if the id is not valid; see SteamID64.IsValid. Unlike
// Valve's parser this one always notices a number that does not fit.
func ParseSteamID(text string, defaultUniverse Universe) (SteamID64, error) {
	id, problem := parseSteamID(text, defaultUniverse)
	if problem != "" {
		return 0, fmt.Errorf("SteamID %q: %s", text, problem)
	}
	return id, nil
}

// A letter of the bracket form: the type it stands for and the instance it implies.
type steamIDLetter struct {
	typ      AccountType
	instance uint32
	values   int // most numbers that may follow
}

func lookupSteamIDLetter(c byte) (steamIDLetter, bool) {
	switch c {
	case 'A':
		return steamIDLetter{AccountTypeAnonGameServer, 1, 3}, true
	case 'a':
		return steamIDLetter{AccountTypeAnonUser, 0, 3}, true
	case 'G':
		return steamIDLetter{AccountTypeGameServer, 1, 2}, true
	case 'C':
		return steamIDLetter{AccountTypeContentServer, 1, 2}, true
	case 'g':
		return steamIDLetter{AccountTypeClan, 0, 2}, true
	case 'c':
		return steamIDLetter{AccountTypeChat, instanceChatClan, 2}, true
	case 'L':
		return steamIDLetter{AccountTypeChat, instanceChatLobby, 2}, true
	case 'T':
		return steamIDLetter{AccountTypeChat, 0, 2}, true
	case 'U':
		return steamIDLetter{AccountTypeIndividual, instanceDesktop, 2}, true
	case 'i':
		return steamIDLetter{AccountTypeInvalid, 1, 2}, true
	default:
		return steamIDLetter{AccountTypeIndividual, instanceDesktop, 2}, false
	}
}

func parseSteamID(text string, universe Universe) (id SteamID64, problem string) {
	rest := text
	if opened, ok := strings.CutPrefix(rest, "["); ok {
		if rest, ok = strings.CutSuffix(opened, "]"); !ok {
			return 0, "opening bracket without a closing one"
		}
	}
	var letter byte
	if rest != "" {
		letter = rest[0]
	}
	form, named := lookupSteamIDLetter(letter)
	if named {
		rest = rest[1:]
		if rest != "" && (rest[0] == '-' || rest[0] == ':') {
			rest = rest[1:]
		}
	}

	instance := form.instance
	if body, inParens, found := strings.Cut(rest, "("); found && letter == 'A' {
		digits, ok := strings.CutSuffix(inParens, ")")
		v, numeric := parseDecimal(digits)
		if !ok || !numeric || v > instanceMax {
			return 0, "instance in parentheses is not a number up to 1048575"
		}
		instance, rest, form.values = uint32(v), body, 2
	}

	fields := strings.Split(rest, ":")
	if len(fields) > form.values {
		return 0, "too many numbers"
	}
	var values [3]uint64
	for i, field := range fields {
		v, ok := parseDecimal(field)
		if !ok {
			return 0, fmt.Sprintf("%q is not a 64-bit number", field)
		}
		values[i] = v
	}

	account := values[0]
	if len(fields) >= 2 {
		if values[0] > uint64(UniverseDev) {
			return 0, fmt.Sprintf("no universe %d", values[0])
		}
		if values[0] != 0 {
			universe = Universe(values[0])
		}
		account = values[1]
	}
	if len(fields) == 3 {
		if values[2] > instanceMax {
			return 0, fmt.Sprintf("instance %d is over 1048575", values[2])
		}
		instance = uint32(values[2])
	}
	if account > math.MaxUint32 {
		if len(fields) == 1 && !named {
			return SteamID64(account), ""
		}
		return 0, fmt.Sprintf("account number %d does not fit in 32 bits", account)
	}
	if letter == 'A' && account == 0 {
		instance = 0 // a game server that has not logged on has no instance yet
	}
	return MakeSteamID(universe, form.typ, instance, uint32(account)), ""
}

// parseDecimal reads digits and nothing else.
func parseDecimal(s string) (uint64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false // ParseUint takes no sign either, but say so here rather than rely on it
	}
	v, err := strconv.ParseUint(s, 10, 64)
	return v, err == nil
}
