package main

/*
#include "include/gns_types.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/gogns/gns"
)

var errNotRunning = errors.New("GameNetworkingSockets_Init has not been called")

//export SteamAPI_ISteamNetworkingSockets_GetIdentity
func SteamAPI_ISteamNetworkingSockets_GetIdentity(self unsafe.Pointer, out *C.SteamNetworkingIdentity) C.bool {
	s := library.Load()
	if s == nil {
		return false
	}
	id, ok := s.Identity()
	if out != nil {
		putIdentity(out, id)
	}
	return C.bool(ok)
}

//export SteamAPI_ISteamNetworkingSockets_ResetIdentity
func SteamAPI_ISteamNetworkingSockets_ResetIdentity(self unsafe.Pointer, identity *C.SteamNetworkingIdentity) {
	s := library.Load()
	if s == nil {
		return
	}
	var id gns.Identity
	var err error
	if identity != nil {
		id, err = goIdentity(identity)
	}
	if err == nil {
		err = s.ResetIdentity(id)
	}
	if err != nil {
		failed("ResetIdentity", err)
	}
}

//export SteamAPI_ISteamNetworkingSockets_InitAuthentication
func SteamAPI_ISteamNetworkingSockets_InitAuthentication(self unsafe.Pointer) C.ESteamNetworkingAvailability {
	s := library.Load()
	if s == nil {
		return C.k_ESteamNetworkingAvailability_CannotTry
	}
	return C.ESteamNetworkingAvailability(s.InitAuthentication())
}

//export SteamAPI_ISteamNetworkingSockets_GetAuthenticationStatus
func SteamAPI_ISteamNetworkingSockets_GetAuthenticationStatus(self unsafe.Pointer, out *C.SteamNetAuthenticationStatus_t) C.ESteamNetworkingAvailability {
	available, text := gns.AvailabilityCannotTry, errNotRunning.Error()
	if s := library.Load(); s != nil {
		available, text = s.AuthenticationStatus()
	}
	if out != nil {
		putAuthStatus(out, available, text)
	}
	return C.ESteamNetworkingAvailability(available)
}

func putAuthStatus(p *C.SteamNetAuthenticationStatus_t, a gns.Availability, text string) {
	*p = C.SteamNetAuthenticationStatus_t{m_eAvail: C.int32_t(a)}
	fillText(p.m_debugMsg[:], text)
}

//export SteamAPI_ISteamNetworkingSockets_GetCertificateRequest
func SteamAPI_ISteamNetworkingSockets_GetCertificateRequest(self unsafe.Pointer, size *C.int, blob unsafe.Pointer, errMsg *C.char) C.bool {
	err := certificateRequest(size, blob)
	writeError(errMsg, err)
	return C.bool(err == nil)
}

func certificateRequest(size *C.int, blob unsafe.Pointer) error {
	s := library.Load()
	if s == nil {
		return errNotRunning
	}
	if size == nil {
		return errors.New("no place for the size of the request")
	}
	request, err := s.CertificateRequest()
	if err != nil {
		return err
	}
	room := int(*size)
	*size = C.int(len(request))
	switch {
	case blob == nil: // it asks for the size
		return nil
	case room < len(request):
		return fmt.Errorf("the request has %d bytes, and there is room for %d", len(request), room)
	}
	copy(bytesAt(blob, room), request)
	return nil
}

//export SteamAPI_ISteamNetworkingSockets_SetCertificate
func SteamAPI_ISteamNetworkingSockets_SetCertificate(self unsafe.Pointer, certificate C.uintptr_t, n C.int, errMsg *C.char) C.bool {
	err := errNotRunning
	if s := library.Load(); s != nil {
		err = s.SetCertificate(slices.Clone(at[byte](certificate, int(n))))
	}
	writeError(errMsg, err)
	return C.bool(err == nil)
}
