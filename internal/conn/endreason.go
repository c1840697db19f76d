package conn

// EndReason says why a connection ended: Valve's ESteamNetConnectionEnd, the number that travels in
// ConnectionClosed. Peers may send any number.
type EndReason int32

// End reasons that the core itself produces or treats specially.
const (
	EndInvalid            EndReason = 0
	EndAppMin             EndReason = 1000 // also the generic application reason
	EndAppIllegal         EndReason = 1999 // the application passed a code outside its ranges
	EndAppExceptionMin    EndReason = 2000
	EndAppExceptionMax    EndReason = 2999 // also: the library was shut down
	EndRemoteBadCrypt     EndReason = 4002
	EndRemoteBadCert      EndReason = 4003
	EndRemoteBadVersion   EndReason = 4006
	EndMiscGeneric        EndReason = 5001
	EndMiscInternalError  EndReason = 5002
	EndMiscTimeout        EndReason = 5003
	EndMiscRendezvous     EndReason = 5008
	EndMiscPeerSentNoConn EndReason = 5010
)

// maxDebug is the longest close text kept or sent, in bytes.
const maxDebug = 127

// appReason turns what an application passed to Close into what goes on the wire: 0 is the generic
// code, and codes outside 1000…2999 are replaced together with the text, because a peer must be able
// to trust that other codes come from the library.
func appReason(reason EndReason, debug string) (EndReason, string) {
	switch {
	case reason == EndInvalid:
		reason = EndAppMin
	case reason < EndAppMin || reason > EndAppExceptionMax:
		return EndAppIllegal, "application passed an end reason outside 1000...2999"
	}
	if debug == "" {
		debug = "closed by application"
		if reason >= EndAppExceptionMin {
			debug = "closed by application in an unusual way"
		}
	}
	return reason, truncateDebug(debug)
}

// truncateDebug cuts a close text to what fits Valve's buffer, not inside a UTF-8 sequence, and at the
// first NUL, where every C peer would stop reading it.
func truncateDebug(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			s = s[:i]
			break
		}
	}
	if len(s) <= maxDebug {
		return s
	}
	n := maxDebug
	for n > maxDebug-4 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
