package instrument

import (
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// bound is a limit of what one of the library's own metrics tells apart. What is beyond it is counted each time and
// logged once.
type bound struct {
	limit     int
	metric    string
	advice    string
	overflown prometheus.Counter
	logger    *slog.Logger
	once      sync.Once
}

func (d *httpDeclaration) bound(metric string, limit int, advice string) *bound {
	full := d.full(metric)
	return &bound{limit: limit, metric: full, advice: advice, overflown: d.overflows.of(full), logger: d.opts.Logger}
}

// exceeded is told of a value that found no place. It may belong to a request.
func (b *bound) exceeded(value string) {
	b.overflown.Inc()
	b.once.Do(func() {
		b.logger.Warn("too many series of a metric of HTTP: further ones are counted together",
			"metric", b.metric, "limit", b.limit, "value", sanitized(value), "hint", b.advice)
	})
}
