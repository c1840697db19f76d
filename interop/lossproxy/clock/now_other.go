//go:build !(linux || darwin || freebsd)

package clock

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

func systemNow() mono.Time { return mono.Time(time.Now().UnixNano()) }
