package instrument

import (
	"log/slog"
	"net/http"
	"sync"
)

// withGuardedHooks keeps panics of the application's own functions from requests that have been served well. It is
// logged once for each function that there is one.
func (o Options) withGuardedHooks() Options {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	guard := func(option string) *hookGuard { return &hookGuard{option: option, logger: logger} }
	if route := o.Route; route != nil {
		g := guard("Route")
		o.Route = func(r *http.Request) string {
			defer g.recovered()
			return route(r)
		}
	}
	if secure := o.Secure; secure != nil {
		g := guard("Secure")
		o.Secure = func(r *http.Request) bool {
			defer g.recovered()
			return secure(r)
		}
	}
	if trace := o.Trace; trace != nil {
		g := guard("Trace")
		o.Trace = func(r *http.Request) (Trace, bool) {
			defer g.recovered()
			return trace(r)
		}
	}
	if served := o.Served; served != nil {
		g := guard("Served")
		o.Served = func(r *http.Request, s Served) {
			defer g.recovered()
			served(r, s)
		}
	}
	return o
}

type hookGuard struct {
	option string
	logger *slog.Logger
	once   sync.Once
}

// recovered is to be deferred itself.
func (g *hookGuard) recovered() {
	value := recover()
	if value == nil {
		return
	}
	err := panicked{value, panicPlace()}
	g.once.Do(func() {
		g.logger.Error("a function of the application panicked; requests are counted without what it would have said",
			"option", g.option, "error", err)
	})
}
