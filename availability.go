package gns

import "strconv"

// Availability tells how ready a service is (ESteamNetworkingAvailability). Negative values are problems,
// AvailabilityCurrent is the one good state.
type Availability int32

// Availabilities, with Valve's numbers.
const (
	// AvailabilityCannotTry: something that the service needs is missing, so it does not even try.
	AvailabilityCannotTry Availability = -102
	// AvailabilityFailed: it has been tried long enough, and never worked.
	AvailabilityFailed Availability = -101
	// AvailabilityPreviously: it worked at one time, and does not now.
	AvailabilityPreviously Availability = -100
	// AvailabilityRetrying: it failed, and is being tried again.
	AvailabilityRetrying Availability = -10
	// AvailabilityUnknown is no state of its own.
	AvailabilityUnknown Availability = 0
	// AvailabilityNeverTried: nobody has asked for it yet.
	AvailabilityNeverTried Availability = 1
	// AvailabilityWaiting: it waits for something else to become available.
	AvailabilityWaiting Availability = 2
	// AvailabilityAttempting: it is being tried for the first time.
	AvailabilityAttempting Availability = 3
	// AvailabilityCurrent: it is available.
	AvailabilityCurrent Availability = 100
)

// String returns Valve's name without its prefix, such as "CannotTry".
func (a Availability) String() string {
	switch a {
	case AvailabilityCannotTry:
		return "CannotTry"
	case AvailabilityFailed:
		return "Failed"
	case AvailabilityPreviously:
		return "Previously"
	case AvailabilityRetrying:
		return "Retrying"
	case AvailabilityUnknown:
		return "Unknown"
	case AvailabilityNeverTried:
		return "NeverTried"
	case AvailabilityWaiting:
		return "Waiting"
	case AvailabilityAttempting:
		return "Attempting"
	case AvailabilityCurrent:
		return "Current"
	}
	return "Availability(" + strconv.Itoa(int(a)) + ")"
}
