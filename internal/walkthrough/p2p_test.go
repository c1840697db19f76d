package walkthrough

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

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
		want := strings.ReplaceAll(strings.Join(s.want, "\n"), "127.0.0.1:10000", server)
		command := strings.ReplaceAll(s.command, "127.0.0.1:10000", server)
		command = strings.Replace(command, "-p2p", "-p2p -signal "+server, 1) // in place of the default
		run(t, bin, "", command, pattern(strings.Split(want, "\n")))
	}
}
