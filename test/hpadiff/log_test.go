package hpadiff

import (
	"sync"

	"github.com/go-logr/logr"
)

// log takes from the controller's log what its API does not say: what the metrics asked for before the limits, the one
// that asked for most, and the reason of a change. (Its events say the last, but are dropped when there are many.)
type log struct {
	mu   sync.Mutex
	said said
}

type said struct {
	recommended int32
	metric      string
	reason      string
}

func (l *log) logger() logr.Logger { return logr.New(l) }

// take returns what was said since the last time.
func (l *log) take() said {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.said
	l.said = said{}
	return s
}

func (l *log) Init(logr.RuntimeInfo)          {}
func (l *log) Enabled(level int) bool         { return level <= 4 } // the level of proposals
func (l *log) Error(error, string, ...any)    {}
func (l *log) WithValues(...any) logr.LogSink { return l }
func (l *log) WithName(string) logr.LogSink   { return l }
func (l *log) Info(_ int, msg string, kv ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := 0; i+1 < len(kv); i += 2 {
		switch value := kv[i+1].(type) {
		case int32:
			if kv[i] == "desiredReplicas" && (msg == "Proposing desired replicas" || msg == "Proposing desired replicas from zero") {
				l.said.recommended = value
			}
		case string:
			switch {
			case kv[i] == "metric" && (msg == "Proposing desired replicas" || msg == "Proposing desired replicas from zero"):
				l.said.metric = value
			case kv[i] == "reason" && msg == "Successfully rescaled":
				l.said.reason = value
			}
		}
	}
}
