package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/internal/testport"
)

// asSnplua makes the test binary behave like the command, so that tests can run it as a process.
const asSnplua = "GNS_TEST_AS_SNPLUA"

func TestMain(m *testing.M) {
	if os.Getenv(asSnplua) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience is how long a process of a test may run.
const patience = 2 * time.Minute

// result is what a process left behind.
type result struct {
	stdout, stderr string
	status         int
}

// start starts snplua as a process; the function it returns waits for the end.
func start(t *testing.T, stdin io.Reader, args ...string) (*exec.Cmd, func() result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asSnplua+"=1",
		"GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=10") // the race detector sleeps a second at exit
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	require.NoError(t, cmd.Start())
	return cmd, func() result {
		defer cancel()
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil {
			require.ErrorAs(t, err, &exit)
		}
		require.NoError(t, ctx.Err(), "it had to be killed; stdout %q, stderr %q", &stdout, &stderr)
		return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	}
}

// snplua runs a script with flags before it and arguments after it.
func snplua(t *testing.T, flags []string, script string, args ...string) result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script.lua")
	require.NoError(t, os.WriteFile(file, []byte(script), 0o600))
	_, wait := start(t, nil, append(append(flags, file), args...)...)
	return wait()
}

// holdDocumentedPort keeps other tests on this machine from the port of luasteam's programs, which is
// part of them, until the test has ended. The TCP port of the same number serves as the lock. It is one of those that
// systems choose by themselves: whoever has got it, for either protocol, is waited for.
func holdDocumentedPort(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:55556")
		if err == nil {
			var c net.PacketConn
			if c, err = net.ListenPacket("udp", ":55556"); err == nil {
				_ = c.Close()
				t.Cleanup(func() { _ = l.Close() })
				return
			}
			_ = l.Close()
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			require.NoError(t, err, "the port of the documented programs is taken")
		}
	}
}

// The programs of luasteam's documentation, as they stand, talk to each other and end by themselves.
func TestDocumentedPrograms(t *testing.T) {
	holdDocumentedPort(t)
	_, server := start(t, nil, "../../testdata/sockets_server.lua")
	_, client := start(t, nil, "../../testdata/sockets_client.lua")
	got := client()
	require.Zero(t, got.status, "%s", got.stderr)
	require.Empty(t, got.stderr)
	requireLines(t, got.stdout,
		`Connection changed\t\d+\tConnecting\t0\t0\t`,
		`Connection changed\t\d+\tConnected\t1\t0\t`,
		`received message\t1\tHello client! This is the server! Welcome!\tfrom connection\t\d+\tnumber`,
		`Connection changed\t\d+\tClosedByPeer\t3\t1000\t[^\t]+`)

	got = server()
	require.Zero(t, got.status, "%s", got.stderr)
	require.Empty(t, got.stderr)
	requireLines(t, got.stdout,
		`Listening on port 55556`,
		`Connection changed\t\d+\tConnecting\t0\t0\t`,
		`Connection changed\t\d+\tConnected\t1\t0\t`,
		`received message\t1\tHello server! This is the client! Thank you!\tfrom connection\t\d+\tnumber`)
}

// requireLines checks that a program printed lines of these forms. A program that asks for messages between two
// calls of runCallbacks may have one before it hears that it is connected, so the order is not checked.
func requireLines(t *testing.T, output string, forms ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(output, "\n"), "\n")
	require.Len(t, lines, len(forms), "%s", output)
	for _, form := range forms {
		re := regexp.MustCompile("^" + form + "$")
		require.True(t, slices.ContainsFunc(lines, re.MatchString), "no line like %q in:\n%s", form, output)
	}
}

// The examples of this module run against each other.
func TestExamples(t *testing.T) {
	port := freePort(t)
	_, server := start(t, nil, "../../examples/chat_server.lua", port, "1")
	_, client := start(t, strings.NewReader("hello\nthere\n"), "../../examples/chat_client.lua", "127.0.0.1:"+port, "alice")
	got := client()
	require.Zero(t, got.status, "%s", got.stderr)
	require.Contains(t, got.stdout, "alice has joined")
	require.Contains(t, got.stdout, "alice: hello\nalice: there\n")
	got = server()
	require.Zero(t, got.status, "%s", got.stderr)
	require.Contains(t, got.stdout, "alice has left")

	_, self := start(t, nil, "../../examples/echo.lua")
	got = self()
	require.Zero(t, got.status, "%s", got.stderr)
	require.Contains(t, got.stdout, "100 of 100 messages came back\n")
}

// freePort returns a UDP port of the loopback address that is free.
func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(int(testport.UDP(t).Port()))
}

func TestArguments(t *testing.T) {
	t.Parallel()
	got := snplua(t, nil, `print(#arg, arg[0]:match('script.lua'), arg[1], arg[2], arg[3], ...)`, "-v", "two words", "")
	require.Equal(t, result{stdout: "3\tscript.lua\t-v\ttwo words\t\t-v\ttwo words\t\n"}, got)
}

func TestStandardInput(t *testing.T) {
	t.Parallel()
	_, wait := start(t, strings.NewReader("print('from standard input', arg[0], ...)"), "-", "x")
	require.Equal(t, result{stdout: "from standard input\t-\tx\n"}, wait())
}

func TestPrint(t *testing.T) {
	t.Parallel()
	got := snplua(t, nil, `
		print()
		print(nil, true, 1, 1.5, 2^31, 'text')
		print(setmetatable({}, { __tostring = function() return 'a table' end }))`)
	require.Equal(t, result{stdout: "\nnil\ttrue\t1\t1.5\t2147483648\ttext\na table\n"}, got)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	t.Run("an error has a traceback", func(t *testing.T) {
		t.Parallel()
		got := snplua(t, nil, "local function inner()\n  error('went wrong')\nend\nfunction outer()\n  inner()\nend\nouter()\n")
		require.Equal(t, exitFailed, got.status)
		require.Empty(t, got.stdout)
		require.Regexp(t, `^snplua: \S+script\.lua:2: went wrong\nstack traceback:\n`, got.stderr)
		require.Regexp(t, `script\.lua:5: in function 'outer'`, got.stderr)
	})
	t.Run("in a callback", func(t *testing.T) {
		t.Parallel()
		got := snplua(t, nil, "local Steam = require 'luasteam'\nSteam.init()\n"+
			"function Steam.networkingSockets.onAuthenticationStatus(data)\n  error(data.nothing .. '')\nend\n"+
			"Steam.networkingSockets.initAuthentication()\nSteam.runCallbacks()\n")
		require.Equal(t, exitFailed, got.status)
		require.Regexp(t, `^snplua: \S+script\.lua:4: .* nil`, got.stderr)
		require.Regexp(t, `stack traceback:(.|\n)*script\.lua:7: in main chunk`, got.stderr)
	})
	t.Run("a wrong argument", func(t *testing.T) {
		t.Parallel()
		got := snplua(t, nil, "local Steam = require 'luasteam'\nSteam.init()\nSteam.networkingSockets.acceptConnection('x')\n")
		require.Equal(t, exitFailed, got.status)
		require.Regexp(t, `^snplua: \S+script\.lua:3: bad argument #1 to 'acceptConnection' \(connection: integer expected, got string\)\n`, got.stderr)
	})
	t.Run("an error that is no text", func(t *testing.T) {
		t.Parallel()
		got := snplua(t, nil, "error({})")
		require.Equal(t, exitFailed, got.status)
		require.Contains(t, got.stderr, "snplua: (error object is a table value)")
	})
	t.Run("does not compile", func(t *testing.T) {
		t.Parallel()
		got := snplua(t, nil, "local = 5\n")
		require.Equal(t, exitFailed, got.status)
		require.Regexp(t, `^snplua: \S+script\.lua line:1`, got.stderr)
	})
	t.Run("no such file", func(t *testing.T) {
		t.Parallel()
		_, wait := start(t, nil, "there-is-no-such.lua")
		got := wait()
		require.Equal(t, exitFailed, got.status)
		require.Contains(t, got.stderr, "there-is-no-such.lua")
	})
}

func TestExit(t *testing.T) {
	t.Parallel()
	for script, status := range map[string]int{
		"os.exit()": 0, "os.exit(7)": 7, "os.exit(true)": 0, "os.exit(false)": 1, "pcall(os.exit, 3)": 3, "return 5": 0,
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, result{status: status}, snplua(t, nil, script))
		})
	}
	t.Run("peers are told", func(t *testing.T) {
		t.Parallel()
		const listen = `
			local Steam = require 'luasteam'
			Steam.init()
			local ns = Steam.networkingSockets
			assert(ns.createListenSocketIP('127.0.0.1:' .. ...))
			local done
			function ns.onConnectionChanged(data)
				if data.state == 'Connecting' then ns.acceptConnection(data.connection) end
				if data.state == 'ClosedByPeer' then done = data.endReason end
			end
			while not done do Steam.runCallbacks() end
			print(done)`
		const connect = `
			local Steam = require 'luasteam'
			Steam.init()
			local ns = Steam.networkingSockets
			ns.connectByIPAddress('127.0.0.1:' .. ...)
			function ns.onConnectionChanged(data) if data.state == 'Connected' then os.exit(4) end end
			while true do Steam.runCallbacks() end`
		port := freePort(t)
		server := filepath.Join(t.TempDir(), "server.lua")
		require.NoError(t, os.WriteFile(server, []byte(listen), 0o600))
		_, wait := start(t, nil, server, port)
		require.Equal(t, 4, snplua(t, nil, connect, port).status)
		require.Equal(t, result{stdout: "2999\n"}, wait())
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"a script that runs callbacks": "local Steam = require 'luasteam' Steam.init() while true do Steam.runCallbacks() end",
		"one that does not":            "while true do end",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := snplua(t, []string{"-timeout", "300ms"}, script)
			require.Equal(t, exitFailed, got.status)
			require.Contains(t, got.stderr, "snplua: stopped after 300ms\nstack traceback:\n")
		})
	}
}

// An interrupted script ends at its next runCallbacks.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	file := filepath.Join(t.TempDir(), "script.lua")
	require.NoError(t, os.WriteFile(file, []byte(`
		local Steam = require 'luasteam'
		Steam.init()
		print('started')
		while true do Steam.runCallbacks() end`), 0o600))
	r, w := io.Pipe()
	go func() {
		var b [8]byte
		_, err := io.ReadFull(r, b[:])
		cancel(errors.Join(errInterrupted, err))
	}()
	var stderr bytes.Buffer
	require.Equal(t, exitInterrupted, run(ctx, []string{file}, w, &stderr, nil))
	require.Equal(t, "snplua: interrupted\n", stderr.String())
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	const script = `
		local Steam = require 'luasteam'
		Steam.init()
		print(Steam.user.getSteamID(), Steam.networkingSockets.getIdentity())`
	t.Run("made up", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "script.lua")
		require.NoError(t, os.WriteFile(file, []byte(script), 0o600))
		_, wait := start(t, nil, file)
		first := wait()
		require.Regexp(t, `^(7656\d{13})\t7656\d{13}\n$`, first.stdout)
		_, wait = start(t, nil, file)
		require.Equal(t, first, wait(), "the same every time")
		require.NotEqual(t, first.stdout, snplua(t, nil, script).stdout, "another script, another SteamID")
	})
	t.Run("a SteamID", func(t *testing.T) {
		t.Parallel()
		got := snplua(t, []string{"-identity", "steamid:76561197960265729"}, script)
		require.Equal(t, "76561197960265729\t76561197960265729\n", got.stdout)
	})
	t.Run("another kind", func(t *testing.T) {
		t.Parallel()
		require.Regexp(t, `^7656\d{13}\tnil\n$`, snplua(t, []string{"-identity", "str:alice"}, script).stdout)
	})
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	const script = `
		local Steam = require 'luasteam'
		Steam.init()
		print(Steam.networkingSockets.initAuthentication())
		print(Steam.networkingSockets.getAuthenticationStatus())`
	require.Regexp(t, `^100\n100\t.*DEVELOPMENT`, snplua(t, nil, script).stdout)
	require.Regexp(t, `^-102\n-102\t.*certificate authority`, snplua(t, []string{"-noauth"}, script).stdout)
}

func TestConfigFlag(t *testing.T) {
	t.Parallel()
	const script = `
		local Steam = require 'luasteam'
		print(Steam.init())
		local ns = Steam.networkingSockets
		local c = ns.connectByIPAddress('127.0.0.1:9')
		print(ns.sendMessageToConnection(c, ('x'):rep(5001), ns.flags.Send_Reliable))`
	require.Equal(t, "true\nOK\n", snplua(t, nil, script).stdout)
	require.Equal(t, "true\nLimitExceeded\n",
		snplua(t, []string{"-config", "SendBufferSize=5000", "-config", "NagleTime=0"}, script).stdout)
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-config", "help"}, &out, io.Discard, nil))
	require.Regexp(t, `(?m)^NagleTime \(int32\)\n {4}\S`, out.String())
}

func TestKeyLog(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	got := snplua(t, []string{"-keylog", file}, `
		local Steam = require 'luasteam'
		Steam.init()
		local ns, done = Steam.networkingSockets
		local address = tostring(assert(ns.createListenSocketIP('127.0.0.1:0'))):match('%((.*)%)')
		local client = ns.connectByIPAddress(address)
		function ns.onConnectionChanged(data)
			if data.state == 'Connecting' and data.connection ~= client then ns.acceptConnection(data.connection) end
			if data.state == 'Connected' and data.connection == client then done = true end
		end
		while not done do Steam.runCallbacks() end`)
	require.Zero(t, got.status, "%s", got.stderr)
	keys, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Len(t, strings.Split(strings.TrimSpace(string(keys)), "\n"), 2, "one line for either end")

	got = snplua(t, []string{"-keylog", t.TempDir()}, "")
	require.Equal(t, exitFailed, got.status)
	require.Contains(t, got.stderr, "is a directory")
}

func TestVerbose(t *testing.T) {
	t.Parallel()
	got := snplua(t, []string{"-v"}, "local Steam = require 'luasteam' Steam.init() Steam.networkingSockets.initAuthentication()")
	require.Contains(t, got.stderr, "level=WARN")
}

func TestSandbox(t *testing.T) {
	t.Parallel()
	got := snplua(t, []string{"-sandbox"}, `
		for _, name in ipairs { 'io', 'dofile', 'loadfile', 'channel', '_printregs' } do assert(_G[name] == nil, name) end
		local function names(t)
			local all = {}
			for k in pairs(t) do all[#all + 1] = k end
			table.sort(all)
			return table.concat(all, ' ')
		end
		print(names(os))
		print(names(debug))
		print(names(package))
		assert(package.loaded.os == os and package.loaded.io == nil)
		package.path = './?.lua'
		print(pcall(require, 'script'))
		assert(require 'luasteam'.init())
		assert(math.floor and string.rep and table.concat and coroutine.create and loadstring('return 1')() == 1)`)
	require.Zero(t, got.status, "%s", got.stderr)
	lines := strings.SplitN(got.stdout, "\n", 4)
	require.Equal(t, []string{"clock date difftime exit time", "traceback", "loaded loaders preload seeall path"}[:2], lines[:2])
	require.Equal(t, "loaded loaders preload seeall", lines[2])
	require.Regexp(t, `^false\t.*module script not found`, lines[3])
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"no script":         {nil, "no script given"},
		"unknown flag":      {[]string{"-what", "x.lua"}, "flag provided but not defined: -what"},
		"bad identity":      {[]string{"-identity", "steamid:1", "x.lua"}, `invalid value "steamid:1" for flag -identity`},
		"unknown value":     {[]string{"-config", "NagelTime=0", "x.lua"}, "'snplua -config help' lists them"},
		"negative idle":     {[]string{"-idle", "-1s", "x.lua"}, "-idle -1s is negative"},
		"negative timeout":  {[]string{"-timeout", "-1s", "x.lua"}, "-timeout -1s is negative"},
		"time without unit": {[]string{"-timeout", "5", "x.lua"}, "for flag -timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), row.args, &stdout, &stderr, nil))
			require.Empty(t, stdout.String())
			require.Contains(t, stderr.String(), row.want)
			require.Contains(t, stderr.String(), "Run 'snplua -h' for usage.\n")
		})
	}
	var stdout bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &stdout, io.Discard, nil))
	require.Equal(t, usageText, stdout.String())
	_, flags, _ := strings.Cut(usageText, "\n\n")
	require.NotEmpty(t, flags)
}
