package p2ptest

import (
	"encoding/json"
	"fmt"
	"os"
)

// envChild marks a child process that is a peer of ours, and carries its Side as JSON.
const envChild = "GNS_INTEROP_P2P"

// RunIfChild makes the process a peer of ours if it was started as one, and exits when the peer is done. In the test process
// it returns at once. TestMain calls it.
func RunIfChild() {
	text := os.Getenv(envChild)
	if text == "" {
		return
	}
	var s Side
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		err = play(s)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}
