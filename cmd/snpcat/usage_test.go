package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

func TestWrongUsageIsStatus2(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ args, want string }{
		{"", "no address given"},
		{"-x 127.0.0.1:1", "not defined: -x"},
		{"127.0.0.1:1 more", `unexpected argument "more" after the address 127.0.0.1:1`},
		{"127.0.0.1", "not of the form HOST:PORT"},
		{"27015", "not of the form HOST:PORT"},
		{"localhost:", "has no port"},
		{":27015", "no host to connect to"},
		{"127.0.0.1:0", "port 0 is out of range"},
		{"127.0.0.1:65536", "port 65536 is out of range"},
		{"-l :-1", "port -1 is out of range"},
		{"-k 127.0.0.1:1", "-k is for listening"},
		{"-broadcast 127.0.0.1:1", "-broadcast is for listening"},
		{"-echo 127.0.0.1:1", "-echo is for listening"},
		{"-l -echo -broadcast :0", "-echo and -broadcast do not go together"},
		{"-raw -hex 127.0.0.1:1", "-raw and -hex do not go together"},
		{"-raw -json 127.0.0.1:1", "-raw and -json do not go together"},
		{"-lane -1 127.0.0.1:1", "-lane -1 is not between 0 and 254"},
		{"-lane 255 127.0.0.1:1", "-lane 255 is not between 0 and 254"},
		{"-lane 2 -lanes 0:1,0:1 127.0.0.1:1", "-lane 2, but -lanes makes only 2"},
		{"-lanes 0:1,x 127.0.0.1:1", `"x" is not of the form priority:weight`},
		{"-lanes 0:0 127.0.0.1:1", `weight "0" is not between 1 and 65535`},
		{"-identity bob 127.0.0.1:1", "no type prefix"},
		{"-config 127.0.0.1:1", "not of the form Name=Value"},
		{"-config NagleTime=soon 127.0.0.1:1", `"soon" is not an int32`},
		{"-config Nagel=1 127.0.0.1:1", "unknown configuration value ('snpcat config' lists them)"},
		{"-config MTU_DataSize=1000 127.0.0.1:1", "read-only"},
		{"-timeout 0 127.0.0.1:1", "-timeout 0s is not between"},
		{"-timeout soon 127.0.0.1:1", "not a time such as 10s"},
		{"-linger -1s 127.0.0.1:1", "-linger -1s is negative"},
		{"-wait -1s 127.0.0.1:1", "-wait -1s is negative"},
		{"-p2p -identity str:a", "no peer given: with -p2p it is an identity"},
		{"-p2p str:b", "-p2p needs -identity"},
		{"-l -p2p", "-p2p needs -identity"},
		{"-l -p2p -identity str:a str:b", `unexpected argument "str:b": -l -p2p has no address`},
		{"-p2p -identity str:a 127.0.0.1:1", "with -p2p it is an identity, such as str:bob, and not an address"},
		{"-p2p -identity str:a str:a", "str:a is this side itself"},
		{"-p2p -identity str:a -vport 65536 str:b", "-vport 65536 is not between 0 and 65535"},
		{"-p2p -identity str:a -vport -1 str:b", "-vport -1 is not between 0 and 65535"},
		{"-p2p -identity str:a -ca x -expect str:b str:b", "-expect is for addresses"},
		{"-l -p2p -identity str:a -symmetric", "-symmetric is for connecting"},
		{"-p2p -identity str:a -signal :1 str:b", `-signal: ":1" is not of the form HOST or HOST:PORT`},
		{"-p2p -identity str:a -signal a:b:c str:b", `-signal: "a:b:c" is not of the form`},
		{"-p2p -identity str:a -stun a,,b str:b", `-stun: "" is not of the form HOST or HOST:PORT`},
		{"-p2p -identity str:a -turn :3478 str:b", `-turn: ":3478" is not of the form`},
		{"-p2p -identity str:a -turn-user u -turn-pass p str:b", "-turn-user and -turn-pass mean nothing without -turn"},
		{"-p2p -identity str:a -turn t -turn-user u str:b", "-turn-user and -turn-pass (or the environment variable SNPCAT_TURN_PASS) go together"},
		{"-p2p -identity str:a -turn t -turn-user u -turn-pass a,b str:b", "cannot have commas"},
		{"-p2p -identity str:a -force-relay str:b", "-force-relay needs a relay"},
		{"-p2p -identity str:a -turn t -force-relay -stun s str:b", "-stun means nothing with -force-relay"},
		{"-p2p -identity str:a -turn t -force-relay -config P2P_Transport_ICE_Enable=3 str:b", "-force-relay and -config"},
		{"-signal x 127.0.0.1:1", "-signal means nothing without -p2p"},
		{"-vport 1 127.0.0.1:1", "-vport means nothing without -p2p"},
		{"-l -stun x :0", "-stun means nothing without -p2p"},
		{"-l -turn x :0", "-turn means nothing without -p2p"},
		{"-force-relay 127.0.0.1:1", "-force-relay means nothing without -p2p"},
		{"config nosuchvalue", `no configuration value mentions "nosuchvalue"`},
		{"demo more", `unexpected argument "more"`},
		{"demo -loss 101", "-loss 101 is not a percentage"},
		{"demo -lag 6s", "-lag 6s is not between"},
		{"demo -duration 0", "-duration 0s is not between"},
		{"demo -x", "not defined: -x"},
	} {
		status, stdout, stderr := finished(t, "", strings.Fields(tc.args)...)
		require.Equal(t, exitUsage, status, tc.args)
		require.Empty(t, stdout, tc.args)
		require.Contains(t, stderr, tc.want, tc.args)
		require.Regexp(t, `^snpcat: .*\nRun 'snpcat .*' for usage.\n$`, stderr, tc.args)
	}
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"help": usageText, "-h": usageText, "--help": usageText, "-l -k -help": usageText,
		"config -h": configUsageText, "demo -h": demoUsageText,
	} {
		status, stdout, stderr := finished(t, "", strings.Fields(args)...)
		require.Equal(t, exitOK, status, args)
		require.Equal(t, want, stdout, args)
		require.Empty(t, stderr, args)
	}
}

func TestHelpDescribesEveryFlagAndNoOther(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  -([a-z][a-z0-9-]*)`).FindAllStringSubmatch(usageText, -1) {
		described[m[1]] = true
	}
	defined := map[string]bool{"h": true}
	flagSet(&options{}).VisitAll(func(f *flag.Flag) { defined[f.Name] = true })
	require.Equal(t, defined, described)
	for line := range strings.Lines(usageText + demoUsageText + configUsageText + configFootText) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, "too wide for a terminal: %s", line)
	}
}

func TestConfigListsEveryValue(t *testing.T) {
	t.Parallel()
	status, stdout, _ := finished(t, "", "config")
	require.Equal(t, exitOK, status)
	for _, info := range config.All() {
		require.Regexp(t, `(?m)^`+info.Name+`  `+info.Type.String(), stdout)
		require.Contains(t, stdout, info.Help)
	}
	require.Contains(t, stdout, "SendRateMax  int32, default 262144 bytes/s, 1024 to 1073741824 bytes/s\n")
	require.Contains(t, stdout, "FakePacketLoss_Send  float, default 0%, 0 to 100%\n")
	require.Contains(t, stdout, "P2P_STUN_ServerList  string, default \"\"\n")

	_, fromFlag, _ := finished(t, "", "-config", "help")
	require.Equal(t, stdout, fromFlag)
}

func TestConfigListsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	status, stdout, _ := finished(t, "", "config", "LAG", "outgoing")
	require.Equal(t, exitOK, status)
	require.Regexp(t, `\AFakePacketLag_Send  .*\n    .*\n\z`, stdout)
}

func TestFlagsMayFollowTheAddressAndStickTogether(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"-lkn", ":27015", "-u", "-lane", "3", "-timeout", "5", "-linger=1500ms"})
	require.NoError(t, err)
	require.True(t, o.listen && o.keep && o.noNagle && o.unreliable)
	require.Equal(t, ":27015", o.address)
	require.Equal(t, 3, o.lane)
	require.Equal(t, "0:1,0:1,0:1,0:1", o.lanes.String())
	require.Equal(t, "5s", o.timeout.String())
	require.Equal(t, "1.5s", o.linger.String())

	o, err = parseOptions([]string{"-l", "27015", "-lanes", "0:1, 5:300,7"})
	require.NoError(t, err)
	require.Equal(t, ":27015", o.address)
	require.Equal(t, "0:1,5:300,7:1", o.lanes.String())
	require.Negative(t, o.linger, "as long as the peer answers")
}

func TestValueOutOfRangeIsBroughtIntoIt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "none", "keys")
	status, _, stderr := finished(t, "", "-config", "SendRateMax=1", "-keylog", file, "127.0.0.1:1")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "SendRateMax=1 is out of range, using SendRateMax=1024")
	require.Contains(t, stderr, "key log: ")
	require.NoFileExists(t, file)
}

func TestStandardOutputThatFails(t *testing.T) {
	t.Parallel()
	r, err := os.Open(os.DevNull) // cannot be written
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	var stderr strings.Builder
	require.Equal(t, exitFailed, run(t.Context(), []string{"help"}, nil, r, &stderr))
	require.Contains(t, stderr.String(), "standard output: ")
}
