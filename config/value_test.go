package config

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConvert(t *testing.T) {
	t.Parallel()
	const id = NagleTime
	for _, tt := range []struct {
		name string
		from Value
		want Value // zero: ErrConversion
		to   Type
	}{
		{"int32 to itself", Int32(id, -7), Int32(id, -7), TypeInt32},
		{"int32 to int64", Int32(id, math.MinInt32), Int64(id, math.MinInt32), TypeInt64},
		{"int32 to float", Int32(id, -7), Float(id, -7), TypeFloat},
		{"int32 to string", Int32(id, -7), String(id, "-7"), TypeString},
		{"int32 to func", Int32(id, 0), Value{}, TypeFunc},

		{"int64 to int32, largest", Int64(id, math.MaxInt32), Int32(id, math.MaxInt32), TypeInt32},
		{"int64 to int32, one more", Int64(id, math.MaxInt32+1), Value{}, TypeInt32},
		{"int64 to int32, smallest", Int64(id, math.MinInt32), Int32(id, math.MinInt32), TypeInt32},
		{"int64 to int32, one less", Int64(id, math.MinInt32-1), Value{}, TypeInt32},
		{"int64 to float", Int64(id, 1<<40), Float(id, 1<<40), TypeFloat},
		{"int64 to string", Int64(id, math.MinInt64), String(id, "-9223372036854775808"), TypeString},

		{"float rounds to nearest", Float(id, 2.4), Int32(id, 2), TypeInt32},
		{"float half goes up", Float(id, 1.5), Int32(id, 2), TypeInt32},
		{"float negative half goes up", Float(id, -1.5), Int32(id, -1), TypeInt32},
		{"float minus one half is zero", Float(id, -0.5), Int64(id, 0), TypeInt64},
		{"float beyond int32", Float(id, 1<<31), Value{}, TypeInt32},
		{"float least int32", Float(id, -1<<31), Int32(id, math.MinInt32), TypeInt32},
		{"float in int64", Float(id, 1<<62), Int64(id, 1<<62), TypeInt64},
		{"float beyond int64", Float(id, 1<<63), Value{}, TypeInt64},
		{"float least int64", Float(id, -1<<63), Int64(id, math.MinInt64), TypeInt64},
		{"float infinite to int64", Float(id, float32(math.Inf(-1))), Value{}, TypeInt64},
		{"float infinite to itself", Float(id, float32(math.Inf(1))), Float(id, float32(math.Inf(1))), TypeFloat},
		{"float NaN to int32", Float(id, float32(math.NaN())), Value{}, TypeInt32},
		{"float NaN to itself", Float(id, float32(math.NaN())), Value{}, TypeFloat},
		{"float NaN to string", Float(id, float32(math.NaN())), Value{}, TypeString},
		{"float to string", Float(id, 0.1), String(id, "0.1"), TypeString},
		{"float to string, whole", Float(id, 100000), String(id, "100000"), TypeString},
		{"float to string, large", Float(id, 1234567), String(id, "1.23457e+06"), TypeString},
		{"float to string, small", Float(id, 1e-5), String(id, "1e-05"), TypeString},

		{"string to int32", String(id, "99"), Int32(id, 99), TypeInt32},
		{"string prefix", String(id, "99xyz"), Int32(id, 99), TypeInt32},
		{"string after white space", String(id, " \t\n77"), Int32(id, 77), TypeInt32},
		{"string with plus", String(id, "+5"), Int32(id, 5), TypeInt32},
		{"string with minus", String(id, "-5"), Int64(id, -5), TypeInt64},
		{"string with fraction to int32", String(id, "3.9"), Int32(id, 3), TypeInt32},
		{"string in hexadecimal has prefix 0", String(id, "0x10"), Int32(id, 0), TypeInt32},
		{"string beyond int32", String(id, "99999999999"), Value{}, TypeInt32},
		{"string in int64", String(id, "99999999999"), Int64(id, 99999999999), TypeInt64},
		{"string beyond int64", String(id, "9223372036854775808"), Value{}, TypeInt64},
		{"string without number", String(id, "abc"), Value{}, TypeInt32},
		{"string empty", String(id, ""), Value{}, TypeInt32},
		{"string sign only", String(id, "-"), Value{}, TypeInt64},
		{"string sign apart", String(id, "- 5"), Value{}, TypeInt32},
		{"string to float", String(id, "1.5e2 ms"), Float(id, 150), TypeFloat},
		{"string to float, no leading digit", String(id, "-.5"), Float(id, -0.5), TypeFloat},
		{"string to float, no fraction", String(id, "5."), Float(id, 5), TypeFloat},
		{"string to float, incomplete exponent", String(id, "2e+"), Float(id, 2), TypeFloat},
		{"string to float, point only", String(id, "."), Value{}, TypeFloat},
		{"string to float, word", String(id, "inf"), Value{}, TypeFloat},
		{"string to float, beyond", String(id, "1e99"), Value{}, TypeFloat},
		{"string to itself", String(id, "a=b\x00"), String(id, "a=b\x00"), TypeString},

		{"func to string", Func(id, func() {}), Value{}, TypeString},
		{"func to int32", Func(id, nil), Value{}, TypeInt32},
		{"func to itself", Func(id, nil), Func(id, nil), TypeFunc},
		{"zero Value", Value{}, Value{}, TypeInt32},
		{"to no type", Int32(id, 0), Value{}, 0},
		{"to an unknown type", Int32(id, 0), Value{}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.from.Convert(tt.to)
			if tt.want.IsZero() {
				require.ErrorIs(t, err, ErrConversion)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestAccessorsConvert(t *testing.T) {
	t.Parallel()
	v := String(NagleTime, "42.5us")
	require.Equal(t, NagleTime, v.ID())
	require.Equal(t, TypeString, v.Type())
	require.Equal(t, int32(42), v.Int32())
	require.Equal(t, int64(42), v.Int64())
	require.Equal(t, float32(42.5), v.Float())
	require.Equal(t, "42.5us", v.Text())
	require.Nil(t, v.Func())

	require.Equal(t, "-3", Int64(NagleTime, -3).Text())
	require.Equal(t, int32(-3), Int32(NagleTime, -3).Int32())

	bad := String(NagleTime, "soon")
	require.Zero(t, bad.Int32())
	require.Zero(t, bad.Int64())
	require.Zero(t, bad.Float())
	require.Zero(t, Value{}.Text())

	fn := Func(CallbackConnectionStatusChanged, func() int { return 7 })
	require.Equal(t, 7, fn.Func().(func() int)())
	require.Zero(t, fn.Int32())
	require.Zero(t, fn.Text())
}

func TestValuesCompare(t *testing.T) {
	t.Parallel()
	f := func() {}
	fn := Func(CallbackConnectionStatusChanged, f)
	same := fn
	require.True(t, fn == same, "comparing functions must not panic")
	require.False(t, fn == Func(CallbackConnectionStatusChanged, f))
	none, one := Func(CallbackAuthStatusChanged, nil), Int32(NagleTime, 1)
	require.True(t, none == Func(CallbackAuthStatusChanged, nil))
	require.True(t, one == Int32(NagleTime, 1))
	require.False(t, Int32(NagleTime, 1) == Int64(NagleTime, 1))
	require.False(t, Int32(NagleTime, 1) == Int32(SendRateMin, 1))
	require.True(t, Value{}.IsZero())
	require.False(t, Int32(Invalid, 0).IsZero())
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	nagle, _ := NagleTime.Info()
	v, err := nagle.Normalize(String(NagleTime, "99999 µs"))
	require.NoError(t, err)
	require.Equal(t, Int32(NagleTime, 20000), v)
	_, err = nagle.Normalize(Int32(SendRateMax, 1))
	require.ErrorIs(t, err, ErrConversion)
	require.ErrorContains(t, err, "NagleTime")
}
