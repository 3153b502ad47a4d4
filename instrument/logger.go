package instrument

import "log/slog"

// Logger returns Options.Logger, or one that discards everything, for integrations that define metrics of their own.
func (m *Metrics) Logger() *slog.Logger { return m.logger }
