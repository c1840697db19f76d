package main

/*
#include "include/gns_types.h"
*/
import "C"

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto/certfile"
)

// authorities are the public keys of the certificate authorities that the application trusts, before Init and after Kill too. lifecycle
// guards them.
var authorities []ed25519.PublicKey

// withoutAuth are the values that say whether peers must be authenticated.
var withoutAuth = [...]config.ID{config.IPAllowWithoutAuth, config.IPLocalHostAllowWithoutAuth}

//export GameNetworkingSockets_AddTrustedCA
func GameNetworkingSockets_AddTrustedCA(publicKey, errMsg *C.char) C.bool {
	err := addTrustedCA(text(publicKey))
	writeError(errMsg, err)
	return C.bool(err == nil)
}

func addTrustedCA(line string) error {
	if line == "" {
		return errors.New("no public key")
	}
	key, _, err := certfile.ParsePublicKey([]byte(line))
	if err != nil {
		return fmt.Errorf("public key of the authority: %w", err)
	}
	lifecycle.Lock() // Init either takes the key, or is over
	defer lifecycle.Unlock()
	authorities = append(authorities, key)
	if s := library.Load(); s != nil {
		if err := s.TrustStore().AddRoot(key); err != nil {
			return err
		}
	}
	for _, id := range withoutAuth {
		if err := global.set(config.Int32(id, 0)); err != nil {
			return err
		}
	}
	return nil
}

// letGlobalDecide undoes what a Sockets sets for itself that trusts somebody, since values of global scope say it here.
func letGlobalDecide(s *gns.Sockets) error {
	for _, id := range withoutAuth {
		if err := s.UnsetConfig(config.SocketsInterface, 0, id); err != nil {
			return err
		}
	}
	return nil
}
