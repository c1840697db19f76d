package config

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Value
	}{
		{"NagleTime=0", Int32(NagleTime, 0)},
		{" NagleTime = 5000 ", Int32(NagleTime, 5000)},
		{"nagletime=-1", Int32(NagleTime, -1)},
		{"SendRateMax=+1048576", Int32(SendRateMax, 1<<20)},
		{"SendRateMax=0x100000", Int32(SendRateMax, 1<<20)},
		{"SendRateMax=010", Int32(SendRateMax, 10)},
		{"LocalVirtualPort=-0X1", Int32(LocalVirtualPort, -1)},
		{"P2P_Transport_ICE_Enable=0x7fffffff", Int32(P2PTransportICEEnable, P2PTransportICEEnableAll)},
		{"MTUPacketSize=1200", Int32(MTUPacketSize, 1200)},
		{"MTU_PacketSize=99999", Int32(MTUPacketSize, 99999)}, // limits apply when it is set
		{"ConnectionUserData=-9223372036854775808", Int64(ConnectionUserData, math.MinInt64)},
		{"FakePacketLoss_Send=2.5", Float(FakePacketLossSend, 2.5)},
		{"FakePacketLossSend= 1e1 ", Float(FakePacketLossSend, 10)},
		{"FakePacketLag_Recv=15", Int32(FakePacketLagRecv, 15)},
		{"P2P_STUN_ServerList=a:1,b:2", String(P2PSTUNServerList, "a:1,b:2")},
		{"P2P_TURN_PassList= a=b ", String(P2PTURNPassList, " a=b ")},
		{"P2P_STUN_ServerList=", String(P2PSTUNServerList, "")},
		{"k_ESteamNetworkingConfig_NagleTime=1", Int32(NagleTime, 1)},
	} {
		got, err := Parse(tt.text)
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, got, tt.text)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		want  error
		names string // must appear in the message
	}{
		{"", ErrSyntax, `""`},
		{"NagleTime", ErrSyntax, `"NagleTime"`},
		{"=5", ErrSyntax, `"=5"`},
		{"  =5", ErrSyntax, "="},
		{"Nagle=5", ErrUnknown, `"Nagle"`},
		{"12=5", ErrUnknown, `"12"`},
		{"sdrclientdevticket=x", ErrUnknown, "SDRClient_DevTicket needs Steam"},
		{"NagleTime=", ErrConversion, "NagleTime"},
		{"NagleTime=99xyz", ErrConversion, `"99xyz"`},
		{"NagleTime=1.5", ErrConversion, `"1.5"`},
		{"NagleTime=1_000", ErrConversion, `"1_000"`},
		{"NagleTime=0x", ErrConversion, `"0x"`},
		{"NagleTime=0x-5", ErrConversion, `"0x-5"`},
		{"NagleTime=2147483648", ErrConversion, "int32"},
		{"ConnectionUserData=9223372036854775808", ErrConversion, "int64"},
		{"FakePacketLoss_Send=NaN", ErrConversion, "NaN"},
		{"FakePacketLoss_Send=inf", ErrConversion, "inf"},
		{"FakePacketLoss_Send=1e99", ErrConversion, "1e99"},
		{"FakePacketLoss_Send=10%", ErrConversion, "10%"},
		{"Callback_ConnectionStatusChanged=nil", ErrConversion, "callback"},
	} {
		v, err := Parse(tt.text)
		require.ErrorIs(t, err, tt.want, tt.text)
		require.ErrorContains(t, err, tt.names)
		require.True(t, v.IsZero(), tt.text)
	}
}

// Every value's default, and its limits, print as text that reads back to the same Value.
func TestPrintedValuesParse(t *testing.T) {
	t.Parallel()
	for _, info := range All() {
		if info.Type == TypeFunc {
			require.Equal(t, info.Name+"=nil", info.Default.String())
			require.Equal(t, info.Name+"=func", Func(info.ID, func() {}).String())
			continue
		}
		values := []Value{info.Default}
		switch info.Type {
		case TypeInt32:
			values = append(values, Int32(info.ID, math.MinInt32), Int32(info.ID, math.MaxInt32))
		case TypeInt64:
			values = append(values, Int64(info.ID, math.MinInt64), Int64(info.ID, math.MaxInt64))
		case TypeFloat:
			values = append(values, Float(info.ID, 0.1), Float(info.ID, math.MaxFloat32), Float(info.ID, math.SmallestNonzeroFloat32))
		case TypeString:
			values = append(values, String(info.ID, "=a, b\n"))
		}
		for _, v := range values {
			require.True(t, strings.HasPrefix(v.String(), info.Name+"="), v.String())
			got, err := Parse(v.String())
			require.NoError(t, err)
			require.Equal(t, v, got)
		}
	}
	require.Equal(t, "Invalid", Value{}.String())
	require.Equal(t, "ID(7777)=5", Int32(7777, 5).String())
}

func FuzzParse(f *testing.F) {
	for _, info := range All() {
		f.Add(info.Default.String())
	}
	f.Add("SendRateMax=0x7fffffff")
	f.Add("k_ESteamNetworkingConfig_FakePacketLoss_Send=1e-3")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			require.True(t, v.IsZero())
			return
		}
		info, ok := v.ID().Info()
		require.True(t, ok)
		require.Equal(t, info.Type, v.Type())
		again, err := Parse(v.String())
		require.NoError(t, err)
		require.Equal(t, v, again)

		set, err := info.Normalize(v)
		require.NoError(t, err)
		if info.Limited() {
			require.GreaterOrEqual(t, float64(set.Float()), info.Min)
			require.LessOrEqual(t, float64(set.Float()), float64(float32(info.Max)))
		}
		twice, err := info.Normalize(set)
		require.NoError(t, err)
		require.Equal(t, set, twice)
	})
}

// Text given for a number in a String value never makes a number out of its limits.
func FuzzConvertText(f *testing.F) {
	f.Add("99xyz")
	f.Add("-1.5e3")
	f.Add(" +.5e")
	f.Fuzz(func(t *testing.T, text string) {
		for _, id := range []ID{NagleTime, FakePacketLossSend, ConnectionUserData, P2PSTUNServerList} {
			info, _ := id.Info()
			v, err := info.Normalize(String(id, text))
			if err != nil {
				require.ErrorIs(t, err, ErrConversion)
				continue
			}
			require.Equal(t, info.Type, v.Type())
			if info.Limited() {
				require.GreaterOrEqual(t, float64(v.Float()), info.Min)
				require.LessOrEqual(t, float64(v.Float()), info.Max)
			}
		}
	})
}
