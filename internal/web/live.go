package web

import (
	"context"
	"errors"
)

// Live is the running chain, as the pages need it. All methods may be called concurrently.
type Live interface {
	// Applications returns the state of all applications, in the order in which the page shows them. It is called a few
	// times a second while somebody watches, must return at once, and its result is not changed by either side.
	Applications() []Application
	// Try sends the application's own request, once. It returns an error that wraps [ErrUnknown] if there is no such
	// application or it has no such request.
	Try(ctx context.Context, application ID) error
	// KillWorker kills (SIGKILL) the worker of that pid, or any one for pid 0, and returns the pid of the killed one. It
	// returns an error that wraps [ErrUnknown] if there is no such application or it has no such worker.
	KillWorker(ctx context.Context, application ID, pid int) (killed int, err error)
}

// ErrUnknown is wrapped by the errors of a [Live] for what does not exist: the answer is then 404.
var ErrUnknown = errors.New("unknown")
