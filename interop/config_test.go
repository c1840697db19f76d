package interop

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/interop/valve"
)

// What is different about configuration values as such.
var configInfoDifferences = map[config.ID]string{
	config.ECN:         "Valve's library has it on some platforms only",
	config.MTUDataSize: "GetConfigValueInfo does not know it though GetConfigValue does; here it has a name like all others",
}

// TestConfigInfo compares names, types, scopes and which values a generic editor should offer.
func TestConfigInfo(t *testing.T) {
	t.Parallel()
	l, err := valve.Open("")
	require.NoError(t, err)
	different := map[config.ID]bool{}
	for id := config.ID(-1); id < 1100; id++ {
		theirs, theyHave := l.ConfigInfo(int32(id))
		ours, weHave := id.Info()
		if theyHave != weHave {
			different[id] = true
			require.Contains(t, configInfoDifferences, id, "%s: Valve's library has it: %v, here: %v", id, theyHave, weHave)
		}
		if !theyHave || !weHave {
			continue
		}
		require.Equal(t, valve.ConfigInfo{ID: int32(id), Name: ours.Name, Type: int32(ours.Type), Scope: valve.Scope(ours.Scope)}, theirs)
		byName, ok := config.Lookup("k_ESteamNetworkingConfig_" + theirs.Name)
		require.True(t, ok, theirs.Name)
		require.Equal(t, id, byName.ID)
	}
	require.Len(t, different, len(configInfoDifferences), "a difference that is none")

	for _, dev := range []bool{false, true} {
		var ours []int32
		for _, info := range config.All() {
			if info.Generic(dev) && configInfoDifferences[info.ID] == "" {
				ours = append(ours, int32(info.ID))
			}
		}
		require.Equal(t, l.GenericConfigIDs(dev), ours, "dev: %v", dev)
	}
}

// question is one thing that both sides are asked.
type question struct {
	id    config.ID
	step  string
	value config.Value // that was given in this step, if any
	at    place
}

func (q question) String() string {
	text := q.step
	if q.value.Type() == config.TypeFunc {
		text += " a function"
	} else if !q.value.IsZero() {
		text += fmt.Sprintf(" %s %q", q.value.Type(), q.value.Text())
	}
	return text + ": " + string(q.at)
}

// outcomes are the answers of one side, in order.
type outcomes struct {
	questions []question
	answers   []string
}

func (o *outcomes) add(answer any, q question) {
	o.questions = append(o.questions, q)
	o.answers = append(o.answers, fmt.Sprint(answer))
}

// configDifferences are the answers in which this module differs on purpose.
var configDifferences = []configDifference{
	{
		"a compiled-in default counts as inherited at global scope too, so that a program can tell whether anybody set it",
		func(q question, theirs, ours string) bool {
			return q.at == atGlobal && strings.Replace(theirs, "own", "inherited", 1) == ours
		},
	},
	{
		"numbers that do not fit are refused; Valve's library converts them as C does, which leaves the outcome undefined",
		func(q question, theirs, ours string) bool { return q.overflows() && onlyRefusedHere(q, theirs, ours) },
	},
	{
		"what is not a number is refused: no comparison would clamp it",
		func(q question, theirs, ours string) bool {
			return q.notNumber() && onlyRefusedHere(q, theirs, ours)
		},
	},
	{
		"text is read as a decimal number for floats as for integers; Valve's library takes hexadecimal for floats only",
		func(q question, theirs, ours string) bool {
			return q.value.Type() == config.TypeString && q.value.Text() == "0x10" && theirs == "own float 16" && ours == "own float 0"
		},
	},
	{
		"send rates go up to 1 GiB/s; Valve's library takes 256 MiB/s and does not get beyond 100",
		func(q question, theirs, ours string) bool {
			if q.id != config.SendRateMin && q.id != config.SendRateMax {
				return false
			}
			kind, isLimit := strings.CutSuffix(theirs, " 268435456")
			more, err := strconv.Atoi(strings.TrimPrefix(ours, kind+" "))
			return isLimit && err == nil && more > 1<<28 && more <= 1<<30
		},
	},
	{
		"which of two things is wrong, the number of the value or the object, is told in the other order",
		func(q question, theirs, ours string) bool { return theirs == noSuchValue && ours == notThere },
	},
}

type configDifference struct {
	why   string
	match func(q question, theirs, ours string) bool
}

// overflows reports whether the given value is a number that an integer value cannot hold.
func (q question) overflows() bool {
	info, _ := q.id.Info()
	if info.Type != config.TypeInt32 && info.Type != config.TypeInt64 {
		return false
	}
	n, ok := q.number()
	limit := float64(1 << 31)
	if info.Type == config.TypeInt64 {
		limit = 1 << 63
	}
	return ok && (n >= limit || n < -limit)
}

// notNumber reports whether the given value is a float that is none, or infinite text.
func (q question) notNumber() bool {
	n, ok := q.number()
	return ok && (math.IsNaN(n) || q.value.Type() == config.TypeString && math.IsInf(n, 0))
}

// number returns the given value if it is a float or text that C may read as a number.
func (q question) number() (n float64, ok bool) {
	switch q.value.Type() {
	case config.TypeFloat:
		return float64(q.value.Float()), true
	case config.TypeString:
		n, err := strconv.ParseFloat(q.value.Text(), 64)
		return n, err == nil
	}
	return 0, false
}

// onlyRefusedHere reports whether Valve's library took the value and this module did not.
func onlyRefusedHere(q question, theirs, ours string) bool {
	if strings.HasPrefix(q.step, "after") {
		before := "inherited "
		if q.id == config.ConnectionUserData && q.at.scope() == config.Connection {
			before = "own " // it cannot be unset there
		}
		return strings.HasPrefix(theirs, "own ") && (strings.HasPrefix(ours, before) || ours == notThere)
	}
	return theirs == "true" && ours == "false"
}

// TestConfig sets and reads every value that both have at every scope, and compares each answer.
func TestConfig(t *testing.T) {
	t.Parallel()
	theirs, ours := newValveSide(t), &ourSide{callbacks: map[config.ID][2]config.Value{}}
	ids := []config.ID{config.Invalid, -1, 1, 35, 99, 1000, math.MaxInt32} // none of them a value
	for _, info := range config.All() {
		if info.ID != config.ECN {
			ids = append(ids, info.ID)
		}
	}
	found := make([]bool, len(configDifferences))
	for _, id := range ids {
		t.Run(id.String(), func(t *testing.T) {
			want, got := ask(t, theirs, id), ask(t, ours, id)
			require.Equal(t, len(want.questions), len(got.questions))
			for i, q := range want.questions {
				theirs, ours := want.answers[i], got.answers[i]
				if theirs == ours {
					continue
				}
				d := slices.IndexFunc(configDifferences, func(d configDifference) bool { return d.match(q, theirs, ours) })
				if d < 0 {
					t.Errorf("%v: Valve's library says %q, we say %q", q, theirs, ours)
					continue
				}
				found[d] = true
			}
		})
	}
	for i, d := range configDifferences {
		require.True(t, found[i], "a difference that is none: %s", d.why)
	}
}

// ask puts every question about a value to a side.
func ask(t *testing.T, s configSide, id config.ID) outcomes {
	t.Helper()
	at := s.begin(t)
	var o outcomes
	set := func(p place, v config.Value) bool { return s.set(p.scope(), at[p], v) }
	unset := func(p place) bool {
		if id == config.ConnectionUserData && p.scope() == config.Connection {
			return false // Valve's library crashes
		}
		return s.unset(p.scope(), at[p], id)
	}
	get := func(p place) string { return s.get(p.scope(), at[p], id) }
	read := func(when string) {
		for _, p := range places {
			o.add(get(p), question{id: id, step: when, at: p})
		}
	}
	values := distinct(s, id)

	read("untouched")
	for _, p := range places {
		o.add(set(p, values[0]), question{id, "setting", values[0], p})
		o.add(get(p), question{id, "after setting", values[0], p})
		o.add(unset(p), question{id: id, step: "unsetting", at: p})
		o.add(unset(p), question{id: id, step: "unsetting again", at: p})
		o.add(get(p), question{id: id, step: "after unsetting", at: p})
	}

	// From the widest scope to the narrowest, back, and so that each change reaches everything below.
	for i, p := range places[:usablePlaces] {
		set(p, values[i%len(values)])
		read("set down to " + string(p))
	}
	set(atGlobal, values[2])
	read("set again at global")
	for _, p := range slices.Backward(places[:usablePlaces]) {
		unset(p)
		read("unset up to " + string(p))
	}
	for _, p := range []place{atListen, atInterface, atGlobal} {
		set(p, values[1])
		read("set up to " + string(p))
	}
	for _, p := range []place{atGlobal, atInterface, atListen} {
		unset(p)
		read("unset down to " + string(p))
	}

	for _, v := range awkward(id) {
		for _, p := range places[:usablePlaces] {
			o.add(set(p, v), question{id, "setting", v, p})
			o.add(get(p), question{id, "after setting", v, p})
			unset(p)
		}
	}
	for _, v := range append(awkward(id), values[:]...) {
		askForOption(t, s, &o, v)
	}
	return o
}

// askForOption makes objects with a creation option.
func askForOption(t *testing.T, s configSide, o *outcomes, v config.Value) {
	t.Helper()
	listen, addr, err := listenSomewhere(t, s, v)
	o.add(err == nil, question{v.ID(), "option", v, newListen})
	o.add(s.get(config.ListenSocket, listen, v.ID()), question{v.ID(), "after option", v, newListen})
	if err == nil {
		require.NoError(t, s.closeListen(listen))
	}
	conn, err := s.connect(addr, v)
	o.add(err == nil, question{v.ID(), "option", v, newConnection})
	o.add(s.get(config.Connection, conn, v.ID()), question{v.ID(), "after option", v, newConnection})
	if err == nil {
		require.NoError(t, s.close(conn))
	}
}

// distinct returns values within the limits, none of them the default unless there are too few.
func distinct(s configSide, id config.ID) [4]config.Value {
	info, ok := id.Info()
	functions := s.functions(id)
	var values [4]config.Value
	for i := range values {
		switch {
		case !ok:
			values[i] = config.Int32(id, int32(i))
		case info.Type == config.TypeInt32:
			lo, hi := int64(info.Min), int64(info.Max)
			if info.ReadOnly {
				hi = 1 << 16
			}
			n := int64(info.Default.Int32()) + 1 + int64(i)
			values[i] = config.Int32(id, int32(lo+(n-lo)%(hi-lo+1)))
		case info.Type == config.TypeInt64:
			values[i] = config.Int64(id, 1<<40+int64(i))
		case info.Type == config.TypeFloat:
			values[i] = config.Float(id, float32(i)+0.5)
		case info.Type == config.TypeString:
			values[i] = config.String(id, strings.Repeat("stun.example.net:3478,", 20*i+1))
		default:
			values[i] = functions[i%len(functions)]
		}
	}
	return values
}

// awkward returns values beyond the limits and of other types.
func awkward(id config.ID) []config.Value {
	values := []config.Value{
		config.Int32(id, math.MinInt32), config.Int32(id, math.MaxInt32), config.Int32(id, 0), config.Int32(id, -1),
		config.Int64(id, 1), config.Int64(id, 7), config.Int64(id, -5),
		config.Int64(id, math.MaxInt32), config.Int64(id, math.MaxInt32+1),
		config.Int64(id, math.MinInt32), config.Int64(id, math.MinInt32-1),
		config.Int64(id, math.MinInt64), config.Int64(id, math.MaxInt64),
		config.Float(id, 0.49), config.Float(id, 0.5), config.Float(id, 1.5), config.Float(id, -0.5), config.Float(id, -0.51),
		config.Float(id, 99.999), config.Float(id, 1e9), config.Float(id, 4e9), config.Float(id, -4e9), config.Float(id, 1e20),
		config.Float(id, float32(math.Inf(1))), config.Float(id, float32(math.Inf(-1))), config.Float(id, float32(math.NaN())),
		config.Float(id, 1.23456789), config.Float(id, 1e-7), config.Float(id, 1234567),
	}
	for _, text := range []string{
		"1", "99xyz", "abc", "", " 12", "+3", "-3", "1.9", ".5", "1e3", "0x10", "2147483647", "2147483648", "-2147483649",
		"9223372036854775807", "9223372036854775808", "inf", "nan", "-",
	} {
		values = append(values, config.String(id, text))
	}
	if info, ok := id.Info(); ok && info.Limited() {
		values = append(values,
			config.Int32(id, int32(info.Min)), config.Int32(id, int32(info.Max)),
			config.Int64(id, int64(info.Min)-1), config.Int64(id, int64(info.Max)+1))
	}
	return values
}
