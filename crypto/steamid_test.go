package crypto

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVectorSteamIDs(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).SteamIDs {
		require.Equal(t, v.Universe, v.U64.Universe(), "%d", uint64(v.U64))
		require.Equal(t, v.AccountType, v.U64.AccountType(), "%d", uint64(v.U64))
		require.Equal(t, v.Instance, v.U64.Instance(), "%d", uint64(v.U64))
		require.Equal(t, v.Account, v.U64.Account(), "%d", uint64(v.U64))
		require.Equal(t, v.U64, MakeSteamID(v.Universe, v.AccountType, v.Instance, v.Account))
		require.Equal(t, v.Valid, v.U64.IsValid(), "%d", uint64(v.U64))
		require.Equal(t, v.ValidForLegacy, v.U64.identifiesPeer(), "%d", uint64(v.U64))
		require.Equal(t, v.Render, v.U64.String(), "%d", uint64(v.U64))
	}
}

// Numbers beyond 64 bits that Valve's strict parser lets wrap around.
var steamIDAccidents = map[string]bool{"18446744073709551616": true}

func TestVectorSteamIDStrictParse(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).SteamIDStrictParse {
		in := string(v.In)
		id, err := ParseSteamID(in, v.DefaultUniverse)
		if steamIDAccidents[in] {
			require.True(t, v.OK, "%q", in)
			require.Error(t, err, "%q", in)
			continue
		}
		require.Equal(t, v.OK, err == nil, "%q: %v", in, err)
		require.Equal(t, v.U64, id, "%q", in)
	}
}

func TestParseSteamIDMore(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]SteamID64{
		"A:5(77)":        MakeSteamID(UniverseBeta, AccountTypeAnonGameServer, 77, 5),
		"A5":             MakeSteamID(UniverseBeta, AccountTypeAnonGameServer, 1, 5),
		"[a:1:5:3]":      MakeSteamID(UniversePublic, AccountTypeAnonUser, 3, 5),
		"[A-4:5]":        MakeSteamID(UniverseDev, AccountTypeAnonGameServer, 1, 5),
		"[5]":            MakeSteamID(UniverseBeta, AccountTypeIndividual, 1, 5),
		"A:1:5:77(3)":    0, // two instances
		"A:1:5(77):3":    0,
		"A:1:5(1048576)": 0,
		"A:1:5:1048576":  0,
		"A:1:5(77":       0,
		"U:1:5(77)":      0, // instances only with A
		"U:1:5:1":        0,
		"U:4294967296":   0,
		"[U:1:5] ":       0,
		"U::5":           0,
		"U--5":           0,
		"[]":             0,
		"[":              0,
		"U":              0,
		"U:":             0,
		"X:1:5":          0,
		"1:2:3":          0,
		"1:":             0,
	} {
		id, err := ParseSteamID(in, UniverseBeta)
		require.Equal(t, want == 0, err != nil, "%q gave %v", in, id)
		require.Equal(t, want, id, "%q", in)
	}
}

func FuzzParseSteamID(f *testing.F) {
	for _, v := range vectors(f).SteamIDStrictParse {
		f.Add(string(v.In))
	}
	for _, v := range vectors(f).SteamIDs {
		f.Add(v.Render)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseSteamID(text, UniversePublic)
		if err != nil {
			require.Zero(t, id)
			return
		}
		switch id.AccountType() {
		case AccountTypeMultiseat, AccountTypePending, AccountTypeInvalid, AccountTypeConsoleUser:
			return // printed with a letter that is not read, or with that of another type
		}
		if !id.IsValid() {
			return
		}
		again, err := ParseSteamID(id.String(), UniversePublic)
		require.NoError(t, err)
		require.Equal(t, id.Account(), again.Account())
		require.Equal(t, id.AccountType(), again.AccountType())
		require.Equal(t, id.Universe(), again.Universe())
	})
}
