//go:build unix

package secretfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, Create(path, []byte("secret")))
	require.ErrorIs(t, Create(path, []byte("other")), os.ErrExist, "nothing is overwritten")
	data, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, "secret", string(data))

	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o777, 0o610} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = Read(path)
		require.ErrorIs(t, err, ErrPermissions)
		require.ErrorContains(t, err, "chmod 600 "+path)
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = Read(path)
	require.NoError(t, err)

	_, err = Read(path + ".not")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Error(t, Create(filepath.Join(path, "below"), nil))

	large := filepath.Join(t.TempDir(), "large")
	require.NoError(t, Create(large, make([]byte, MaxSize+1)))
	_, err = Read(large)
	require.ErrorContains(t, err, "more than")
}
