package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// valveRow is one line of testdata/valve.tsv.
type valveRow struct {
	id               ID
	name             string
	typ              Type
	scope            Scope
	def, lo, hi, gen string
}

func valveRows(t *testing.T) []valveRow {
	t.Helper()
	data, err := os.ReadFile("testdata/valve.tsv")
	require.NoError(t, err)
	var rows []valveRow
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		require.Len(t, f, 8, line)
		number := func(s string) int {
			n, err := strconv.Atoi(s)
			require.NoError(t, err, line)
			return n
		}
		rows = append(rows, valveRow{
			ID(number(f[0])), f[1], Type(number(f[2])), Scope(number(f[3])), f[4], f[5], f[6], f[7],
		})
	}
	require.NotEmpty(t, rows)
	return rows
}

func TestTableIsValves(t *testing.T) {
	t.Parallel()
	for _, row := range valveRows(t) {
		info, ok := row.id.Info()
		require.True(t, ok, "%d %s", row.id, row.name)
		require.Equal(t, row.name, info.Name)
		require.Equal(t, row.name, row.id.String())
		require.Equal(t, row.typ, info.Type, row.name)
		require.Equal(t, row.scope, info.Scope, row.name)
		require.Equal(t, row.gen == "generic", info.Generic(false), row.name)
		require.Equal(t, row.gen != "-", info.Generic(true), row.name)
		require.False(t, info.ReadOnly, row.name)

		require.Equal(t, row.id, info.Default.ID(), row.name)
		require.Equal(t, row.typ, info.Default.Type(), row.name)
		require.Equal(t, strings.Trim(row.def, `"`), info.Default.text(), row.name)

		if row.lo == "-" {
			require.False(t, info.Limited(), row.name)
			continue
		}
		lo, err := strconv.ParseFloat(row.lo, 64)
		require.NoError(t, err)
		hi, err := strconv.ParseFloat(row.hi, 64)
		require.NoError(t, err)
		require.True(t, info.Limited(), row.name)
		if row.id == SendRateMin || row.id == SendRateMax {
			require.EqualValues(t, 1<<28, hi)
			hi = 1 << 30 // Valve's library does not get beyond 100 MiB/s, whatever is set
		}
		require.Equal(t, [2]float64{lo, hi}, [2]float64{info.Min, info.Max}, row.name)
	}
}

// MTU_DataSize is outside Valve's own table (it is computed on request), and ECN is compiled only on
// platforms other than that of the recording.
func TestTableBeyondTheRecording(t *testing.T) {
	t.Parallel()
	recorded := map[ID]bool{}
	for _, row := range valveRows(t) {
		recorded[row.id] = true
	}
	var beyond []ID
	for _, info := range All() {
		if !recorded[info.ID] {
			beyond = append(beyond, info.ID)
		}
	}
	require.Equal(t, []ID{MTUDataSize, ECN}, beyond)

	size, _ := MTUDataSize.Info()
	require.True(t, size.ReadOnly)
	require.False(t, size.Generic(true))
	require.Equal(t, Int32(MTUDataSize, 1200), size.Default)
}

func TestTableIsWellFormed(t *testing.T) {
	t.Parallel()
	all := All()
	for i, info := range all {
		if i > 0 {
			require.Less(t, all[i-1].ID, info.ID)
		}
		for _, other := range all[:i] {
			require.False(t, sameName(info.Name, other.Name), "%s and %s", info.Name, other.Name)
		}
		require.NotEmpty(t, info.Help, info.Name)
		require.NotContains(t, info.Help, "\n", info.Name)
		require.Contains(t, []Scope{Global, Connection}, info.Scope, info.Name)
		if info.Limited() {
			require.LessOrEqual(t, info.Min, float64(info.Default.Float()), info.Name)
			require.GreaterOrEqual(t, info.Max, float64(info.Default.Float())-1, info.Name) // 2³¹-1 rounds up as float32
		}
		require.Equal(t, info.Dev, info.Generic(true) && !info.Generic(false), info.Name)
	}
	all[0].Name = "changed"
	require.NotEqual(t, "changed", All()[0].Name, "All must return a copy")
}

// The names of the constants are Valve's without underscores.
func TestConstantsAreNamedLikeTheirValues(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "id.go", nil, 0)
	require.NoError(t, err)
	seen := 0
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			spec := spec.(*ast.ValueSpec)
			typ, ok := spec.Type.(*ast.Ident)
			if !ok || typ.Name != "ID" || !spec.Names[0].IsExported() {
				continue
			}
			n, err := strconv.Atoi(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.Equal(t, strings.ReplaceAll(ID(n).String(), "_", ""), spec.Names[0].Name)
			seen++
		}
	}
	require.Equal(t, len(table)+1, seen, "one constant for each value, and Invalid")
}

func TestLockableValues(t *testing.T) {
	t.Parallel()
	var lockable []ID
	for _, info := range All() {
		if info.Lockable {
			lockable = append(lockable, info.ID)
		}
	}
	require.Equal(t, []ID{
		IPAllowWithoutAuth, Unencrypted, SymmetricConnect, LocalVirtualPort, IPLocalHostAllowWithoutAuth,
		P2PTransportICEEnable, P2PTransportICEImplementation,
	}, lockable)
}

func TestLookupNames(t *testing.T) {
	t.Parallel()
	for _, info := range All() {
		for _, name := range []string{
			info.Name,
			strings.ReplaceAll(info.Name, "_", ""),
			strings.ToLower(info.Name),
			strings.ToUpper(info.Name),
			"k_ESteamNetworkingConfig_" + info.Name,
		} {
			got, ok := Lookup(name)
			require.True(t, ok, name)
			require.Equal(t, info, got, name)
		}
	}
	for _, name := range []string{"", "_", "Nagle", "NagleTimes", "Invalid", "k_ESteamNetworkingConfig_", "SDRClient_DevTicket"} {
		_, ok := Lookup(name)
		require.False(t, ok, name)
	}
	// luasteam's spellings, where they are not plain words
	for name, id := range map[string]ID{
		"IP_AllowWithoutAuth": IPAllowWithoutAuth, "MTU_PacketSize": MTUPacketSize,
		"SymmetricConnect": SymmetricConnect, "LocalVirtualPort": LocalVirtualPort,
	} {
		info, ok := Lookup(name)
		require.True(t, ok, name)
		require.Equal(t, id, info.ID)
	}
}

func TestUnknownNumbers(t *testing.T) {
	t.Parallel()
	for id, name := range map[ID]string{
		Invalid: "Invalid", -1: "ID(-1)", 1: "ID(1)", 35: "ID(35)", 1000: "ID(1000)",
		math.MaxInt32: "ID(2147483647)", math.MinInt32: "ID(-2147483648)",
		22: "SDRClient_SingleSocket", steamOnlyMax: "SDRClient_EnableTOSProbes",
	} {
		require.Equal(t, name, id.String())
		_, ok := id.Info()
		require.False(t, ok, name)
	}
	for id := steamOnlyMax + 1; id < 2*steamOnlyMax; id++ {
		require.Empty(t, steamOnly(id), "steamOnlyMax is too small")
	}
	for _, info := range All() {
		require.Empty(t, steamOnly(info.ID))
	}
}

func TestAllowedAt(t *testing.T) {
	t.Parallel()
	nagle, _ := NagleTime.Info()
	loss, _ := FakePacketLossSend.Info()
	for _, tt := range []struct {
		scope       Scope
		nagle, loss bool
	}{
		{Global, true, true},
		{SocketsInterface, true, false},
		{ListenSocket, true, false},
		{Connection, true, false},
		{0, false, false},
		{5, false, false},
		{-1, false, false},
	} {
		require.Equal(t, tt.nagle, nagle.AllowedAt(tt.scope), tt.scope)
		require.Equal(t, tt.loss, loss.AllowedAt(tt.scope), tt.scope)
	}
}

func TestEnumStrings(t *testing.T) {
	t.Parallel()
	for typ, s := range map[Type]string{
		TypeInt32: "int32", TypeInt64: "int64", TypeFloat: "float", TypeString: "string", TypeFunc: "func", 9: "Type(9)",
	} {
		require.Equal(t, s, typ.String())
	}
	for scope, s := range map[Scope]string{
		Global: "Global", SocketsInterface: "SocketsInterface", ListenSocket: "ListenSocket",
		Connection: "Connection", 0: "Scope(0)",
	} {
		require.Equal(t, s, scope.String())
	}
}

// What is kept without effect is said to be.
func TestUnusedValues(t *testing.T) {
	t.Parallel()
	var unused []string
	for _, info := range All() {
		if info.Unused != "" {
			unused = append(unused, info.Name)
		}
	}
	require.Equal(t, []string{
		"LogLevel_AckRTT", "LogLevel_PacketDecode", "LogLevel_Message", "LogLevel_PacketGaps", "LogLevel_P2PRendezvous",
		"PacketTraceMaxBytes", "OutOfOrderCorrectionWindowMicroseconds",
		"P2P_Transport_ICE_Penalty", "P2P_Transport_ICE_Implementation",
		"ECN",
	}, unused)
}
