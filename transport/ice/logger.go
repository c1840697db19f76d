package ice

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/pion/logging"
)

// loggers gives what pion's packages have to say to a slog.Logger. All of it is for debugging: most of
// what they warn of is normal while paths are looked for.
type loggers struct{ log *slog.Logger }

func (l loggers) NewLogger(scope string) logging.LeveledLogger {
	return leveled{l.log.With("scope", scope)}
}

type leveled struct{ log *slog.Logger }

// levelTrace is below Debug, for what is said of each packet.
const levelTrace = slog.LevelDebug - 4

func (l leveled) say(level slog.Level, msg string) {
	l.log.Log(context.Background(), level, strings.TrimSuffix(msg, "\n"))
}

func (l leveled) sayf(level slog.Level, format string, args []any) {
	if l.log.Enabled(context.Background(), level) {
		l.say(level, fmt.Sprintf(format, args...))
	}
}

func (l leveled) Trace(msg string)          { l.say(levelTrace, msg) }
func (l leveled) Debug(msg string)          { l.say(levelTrace, msg) }
func (l leveled) Info(msg string)           { l.say(slog.LevelDebug, msg) }
func (l leveled) Warn(msg string)           { l.say(slog.LevelDebug, msg) }
func (l leveled) Error(msg string)          { l.say(slog.LevelDebug, msg) }
func (l leveled) Tracef(f string, a ...any) { l.sayf(levelTrace, f, a) }
func (l leveled) Debugf(f string, a ...any) { l.sayf(levelTrace, f, a) }
func (l leveled) Infof(f string, a ...any)  { l.sayf(slog.LevelDebug, f, a) }
func (l leveled) Warnf(f string, a ...any)  { l.sayf(slog.LevelDebug, f, a) }
func (l leveled) Errorf(f string, a ...any) { l.sayf(slog.LevelDebug, f, a) }
