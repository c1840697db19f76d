package crypto

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// Texts that Valve's parser takes for addresses although they are none, or not the ones they look like.
// They are errors here.
var addressAccidents = map[string]bool{
	"1.2.3.4:":         true,
	"1.2.3.4:garbage":  true,
	"1.2.3.4:12x":      true,
	"1.2.3.4 :12":      true,
	"1.2.3.4: 12":      true,
	"1.2.3.4junk":      true,
	"1.2.3.4.5":        true,
	"1.2.3.4.5:6":      true,
	"+1.2.3.4":         true,
	"01.002.0003.4":    true,
	" 1.2.3.4":         true,
	"1. 2. 3. 4":       true,
	"4294967297.2.3.4": true,
	"1:::2":            true,
}

func TestVectorIPAddresses(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, v := range vectors(t).IPAddresses {
		in := string(v.In)
		ap, err := ParseAddrPort(in)
		if v.AccidentOfScanf || v.AccidentOfParser {
			seen++
			require.True(t, addressAccidents[in], "%q is not listed", in)
			require.Error(t, err, "%q", in)
			continue
		}
		require.Equal(t, v.OK, err == nil, "%q: %v", in, err)
		if !v.OK {
			require.Zero(t, ap)
			continue
		}
		bytes := ap.Addr().As16()
		require.Equal(t, []byte(v.IPv6), bytes[:], "%q", in)
		require.Equal(t, v.Port, ap.Port(), "%q", in)
		require.Equal(t, v.IsIPv4, ap.Addr().Is4(), "%q", in)
		require.Equal(t, v.PrintWithPort, FormatAddrPort(ap, true), "%q", in)
		require.Equal(t, v.PrintNoPort, FormatAddrPort(ap, false), "%q", in)
		require.Equal(t, v.IsLocalhost, IPAddress(ap).IsLocalhost(), "%q", in)
	}
	require.Equal(t, len(addressAccidents), seen, "every listed accident occurs in the vectors")
}

func TestParseAddrPortMore(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"[fe80::1%2]#5":              "[fe80::1]:5",
		"fe80::1%2p5":                "[fe80::1]:5",
		"[::1]  port  80":            "[::1]:80",
		"[ ::ffff:1.2.3.4\t]:80":     "1.2.3.4:80",
		"[::ffff:1.2.3.4:5]":         "", // port inside the brackets
		"[1:2:3:4:5:6:7:8:9]":        "",
		"::ffff:1.2.3.4:5#6":         "", // two ports
		"1:2:3:4:5:6:7:8:9:10":       "",
		"fe80::1%":                   "",
		"fe80::1%2%3":                "",
		"fe80::1%-2":                 "",
		"[::1]]":                     "",
		"[[::1]]":                    "",
		"[]":                         "",
		"[]:80":                      "",
		"::1:":                       "",
		"1:2:3:4:5:6:7:8:":           "",
		"::1 port":                   "",
		"::1 port x":                 "",
		"::1 80":                     "",
		"::1#-1":                     "",
		"::1#+1":                     "",
		"::1\x00":                    "",
		"1.2.3.4\x00":                "",
		"1.2.3.4:5:6":                "",
		"1.2.3.4%1":                  "",
		"::1#18446744073709551617":   "",
		"1.2.3.4:":                   "",
		"::ffff:0001.2.3.4":          "",
		"[::1]:80 ":                  "[::1]:80",
		"1111:2222:3333:4444:5555::": "[1111:2222:3333:4444:5555::]:0",
	} {
		ap, err := ParseAddrPort(in)
		if want == "" {
			require.Error(t, err, "%q gave %v", in, ap)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, FormatAddrPort(ap, true), "%q", in)
	}
}

func FuzzParseAddrPort(f *testing.F) {
	for _, v := range vectors(f).IPAddresses {
		f.Add(string(v.In))
	}
	f.Fuzz(func(t *testing.T, text string) {
		ap, err := ParseAddrPort(text)
		if err != nil {
			require.Zero(t, ap)
			return
		}
		require.Empty(t, ap.Addr().Zone())
		require.False(t, ap.Addr().Is4In6())
		again, err := ParseAddrPort(FormatAddrPort(ap, true))
		require.NoError(t, err)
		require.Equal(t, ap, again)
		again, err = ParseAddrPort(FormatAddrPort(ap, false))
		require.NoError(t, err)
		require.Equal(t, netip.AddrPortFrom(ap.Addr(), 0), again)
	})
}
