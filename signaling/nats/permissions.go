package nats

import (
	"fmt"

	"github.com/gogns/gns/crypto"
)

// Permissions are the subjects that the user of a NATS server needs in order to send and receive the
// signals of one identity. If a server permits no others to any of its users, nobody can receive the signals for another, or
// send in the name of another.
type Permissions struct {
	Publish, Subscribe []string
}

// PermissionsFor returns the permissions for an identity. An empty prefix is DefaultPrefix.
func PermissionsFor(id crypto.Identity, prefix string) (Permissions, error) {
	s, err := makeSubjects(prefix)
	if err != nil {
		return Permissions{}, err
	}
	token, err := Token(id)
	if err != nil {
		return Permissions{}, err
	}
	return s.permissions(token), nil
}

func (s subjects) permissions(token string) Permissions {
	return Permissions{
		Publish:   []string{s.signal("*", token)},
		Subscribe: []string{s.signal(token, "*"), s.absent(token, "*")},
	}
}

// String returns the permissions in the form of the server's configuration file, as an entry of a user in "authorization"
// or in an account.
func (p Permissions) String() string {
	return fmt.Sprintf("permissions: {publish: %s, subscribe: %s}", list(p.Publish), list(p.Subscribe))
}

// list has no need to escape anything: tokens have only harmless characters.
func list(subjects []string) string {
	text := "["
	for i, s := range subjects {
		if i > 0 {
			text += ", "
		}
		text += `"` + s + `"`
	}
	return text + "]"
}
