package udp

import (
	"fmt"
	"os"
	"strings"
)

// OffVariable is the environment variable that turns off what Options can turn off, in a program that offers no
// option for it: "segmentation", "coalescing", "moderation", "batches" (SingleCalls) or "all", separated by
// commas. Any other word makes opening a socket fail.
const OffVariable = "GNS_UDP_OFF"

// withEnvironment returns o with what the environment variable turns off.
func (o Options) withEnvironment() (Options, error) {
	for word := range strings.SplitSeq(os.Getenv(OffVariable), ",") {
		switch strings.TrimSpace(word) {
		case "":
		case "segmentation":
			o.NoSegmentation = true
		case "coalescing":
			o.NoCoalescing = true
		case "moderation":
			o.NoModeration = true
		case "batches", "all":
			o.SingleCalls = true
		default:
			return o, fmt.Errorf("environment variable %s: there is no %q; it may be segmentation, coalescing, moderation, batches or all", OffVariable, word)
		}
	}
	return o, nil
}
