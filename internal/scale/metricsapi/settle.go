package metricsapi

import (
	"context"
	"sync"
	"time"
)

// longestStart is how long a replica that has just started waits for servers that do answer, one question after the other. After it what
// is known is more use than nothing.
const longestStart = 2 * time.Minute

// settling finds out when a replica that has just started knows what it can know for now.
type settling struct {
	read     chan struct{} // closed when all sources have been read once
	readOnce sync.Once
	rounds   chan struct{} // a server has been asked all that it had to be
	answered chan struct{} // a server has answered a question
	settled  chan struct{} // closed by settle
}

func newSettling() settling {
	return settling{
		read: make(chan struct{}), settled: make(chan struct{}),
		rounds: make(chan struct{}, 1), answered: make(chan struct{}, 1),
	}
}

// sourcesRead says that all sources have been read.
func (s *settling) sourcesRead() { s.readOnce.Do(func() { close(s.read) }) }

// settle closes settled when every question of the rules has been put once, whether it was answered or not; when no server has answered
// one for as long as one may take, because they hang; or after longestStart. A replica that is ready answers: what is not known
// yet is an error that says so, and all else is asked when a request comes.
func (s *settling) settle(ctx context.Context, m *model) {
	select {
	case <-ctx.Done():
		return
	case <-s.read:
	}
	silence, longest := time.NewTimer(listTimeout), time.NewTimer(longestStart)
	defer silence.Stop()
	defer longest.Stop()
	for waiting := m.untried(); waiting; {
		select {
		case <-ctx.Done():
			return
		case <-s.rounds:
			waiting = m.untried()
		case <-s.answered:
			silence.Reset(listTimeout)
		case <-silence.C:
			waiting = false
		case <-longest.C:
			waiting = false
		}
	}
	close(s.settled)
}
