package walkthrough

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

func TestP2P(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the page is written for sh")
	}
	page, err := os.ReadFile("../../docs/p2p.md")
	require.NoError(t, err)
	all := steps(string(page))
	require.Len(t, all, 3, "the three commands")
	server := testport.TCP(t).String()

	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "../../cmd/snpcat")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, s := range all {
		command, background := strings.CutSuffix(s.command, " &")
		want := strings.ReplaceAll(strings.Join(s.want, "\n"), "127.0.0.1:10000", server)
		command = strings.ReplaceAll(command, "127.0.0.1:10000", server)
		command = strings.Replace(command, "-p2p", "-p2p -signal "+server, 1) // in place of the default
		if background {
			command = "exec " + command // so that it is the command that is ended, and not its shell
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
		o := &output{changed: make(chan struct{}, 1)}
		cmd.Stdout, cmd.Stderr = o, o
		re := pattern(strings.Split(want, "\n"))
		if !background {
			require.NoError(t, cmd.Run(), "%s\n%s", command, o)
			require.Regexp(t, re, o.String(), command)
			continue
		}
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		for deadline := time.After(patience); !re.MatchString(o.String()); {
			select {
			case <-o.changed:
			case <-deadline:
				require.Regexp(t, re, o.String(), command)
			}
		}
	}
}
