package server

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/grafana/regexp" // the API asks for this drop-in
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// prometheusVersion is the version of Prometheus that is embedded. Clients such as Grafana ask for it to know the API.
const prometheusVersion = "3.15.0"

// noOrigin matches no Origin header: pages of other hosts get no answer they can read. It must not be nil, the API would panic
// on every request of a browser.
var noOrigin = regexp.MustCompile(`[^\s\S]`)

// newAPI is the one place that knows the order of the library's fifty parameters.
func (s *Server) newAPI() *v1.API {
	return v1.NewAPI(
		s.engine,
		s.storage,
		nil, nil, // appenders: no receivers
		s.db, // exemplars
		func(context.Context) v1.ScrapePoolsRetriever { return s.scrape },
		func(context.Context) v1.TargetRetriever { return s.scrape },
		func(context.Context) v1.AlertmanagerRetriever { return s.notifier },
		func() config.Config { return *s.config.Load() },
		s.flags(),
		v1.GlobalURLOptions{ListenAddress: s.externalURL.Host, Host: s.externalURL.Host, Scheme: s.externalURL.Scheme},
		s.whenReady,
		statusOnly{s.db, s.stats},
		s.opts.DataDir,
		false, // admin
		false, // search
		0,     // search limit
		s.log("api"),
		func(context.Context) v1.RulesRetriever { return s.rules },
		50_000_000, // remote read: samples, concurrent requests, bytes in a frame, as in Prometheus
		10,
		1<<20,
		false, // agent
		noOrigin,
		s.runtimeInfo,
		&v1.PrometheusVersion{Version: prometheusVersion, Revision: "truecount", GoVersion: runtime.Version()},
		s.notices.Get,
		s.notices.Sub,
		s.opts.Gatherer,
		s.reg,
		nil,   // statistics renderer
		false, // remote write receiver and what it accepts
		nil,
		false, false, false, // OTLP receiver, its deltas
		false, // zero samples at start timestamps
		s.opts.Query.LookbackDelta,
		false, // type and unit labels
		false, // metadata to the write-ahead log
		nil,   // error codes
		s.features,
		v1.OpenAPIOptions{ExternalURL: s.externalURL.String(), Version: prometheusVersion},
		newParser(),
	)
}

// flags are the options under the names of Prometheus' flags.
func (s *Server) flags() map[string]string {
	o := s.opts
	return map[string]string{
		"config.file":                   o.ConfigFile,
		"storage.tsdb.path":             o.DataDir,
		"storage.remote.flush-deadline": model.Duration(o.RemoteFlushDeadline).String(),
		"web.external-url":              o.ExternalURL,
		"web.enable-lifecycle":          strconv.FormatBool(o.EnableLifecycle),
		"web.enable-admin-api":          "false",
		"query.timeout":                 model.Duration(o.Query.Timeout).String(),
		"query.max-samples":             strconv.Itoa(o.Query.MaxSamples),
		"query.max-concurrency":         strconv.Itoa(o.Query.Concurrency),
		"query.lookback-delta":          model.Duration(o.Query.LookbackDelta).String(),
	}
}

// whenReady lets a request in while the server is ready; otherwise it answers as Prometheus does.
func (s *Server) whenReady(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, leave, state := s.gate.enter(r.Context())
		if leave == nil {
			w.Header().Set("X-Prometheus-Stopping", strconv.FormatBool(state == gateStopping))
			http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
			return
		}
		defer leave()
		next(w, r.WithContext(ctx))
	}
}

func (s *Server) runtimeInfo() (v1.RuntimeInfo, error) {
	info := v1.RuntimeInfo{
		StartTime:        s.born,
		ServerTime:       time.Now().UTC(),
		GoroutineCount:   runtime.NumGoroutine(),
		GOMAXPROCS:       runtime.GOMAXPROCS(0),
		GOMEMLIMIT:       debug.SetMemoryLimit(-1),
		GOGC:             os.Getenv("GOGC"),
		GODEBUG:          os.Getenv("GODEBUG"),
		StorageRetention: s.retention(),
	}
	info.Hostname, _ = os.Hostname()
	info.CWD, _ = os.Getwd()
	families, err := s.opts.Gatherer.Gather()
	if err != nil {
		return info, fmt.Errorf("own metrics: %w", err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "prometheus_tsdb_wal_corruptions_total":
			info.CorruptionCount = int64(single(f))
		case "prometheus_config_last_reload_successful":
			info.ReloadConfigSuccess = single(f) != 0
		case "prometheus_config_last_reload_success_timestamp_seconds":
			info.LastConfigTime = time.Unix(int64(single(f)), 0).UTC()
		}
	}
	return info, nil
}

func single(f *dto.MetricFamily) float64 {
	m := f.GetMetric()[0]
	return m.GetGauge().GetValue() + m.GetCounter().GetValue() // one of them is there
}

func (s *Server) retention() string {
	r := s.config.Load().StorageConfig.TSDBConfig.Retention
	text := ""
	add := func(v string) {
		if text != "" {
			text += " or "
		}
		text += v
	}
	if r.Time != 0 {
		add(r.Time.String())
	}
	if r.Size != 0 {
		add(r.Size.String())
	}
	if r.Percentage != 0 {
		add(strconv.FormatFloat(r.Percentage, 'g', -1, 64) + "%")
	}
	return text
}
