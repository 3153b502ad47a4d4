package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/compression"
	"github.com/prometheus/prometheus/util/features"

	"github.com/truecount/truecount/internal/hint"
)

// openDatabase replays what the last run left, which takes the longer the more that is.
func openDatabase(dir string, cfg *config.Config, startTimestamps bool, logger *slog.Logger, reg prometheus.Registerer, feat features.Collector, stats *tsdb.DBStats) (*tsdb.DB, error) {
	t, retention := cfg.StorageConfig.TSDBConfig, cfg.StorageConfig.TSDBConfig.Retention
	opts := tsdb.DefaultOptions()
	opts.WALCompression = compression.Snappy
	opts.MaxBlockDuration = maxBlockDuration(time.Duration(retention.Time)).Milliseconds()
	opts.RetentionDuration = time.Duration(retention.Time).Milliseconds()
	opts.MaxBytes = int64(retention.Size)
	opts.MaxPercentage = retention.Percentage
	opts.OutOfOrderTimeWindow = t.OutOfOrderTimeWindow
	opts.StaleSeriesCompactionThreshold = t.StaleSeriesCompactionThreshold
	if t.ChunkEncoding.Floats == config.FloatChunkEncodingXOR2 {
		opts.FloatChunkEncoding = chunkenc.EncXOR2
	}
	opts.EnableSTAsZeroSample = startTimestamps
	opts.MaxExemplars = cfg.StorageConfig.ExemplarsConfig.MaxExemplars
	opts.EnableExemplarStorage = opts.MaxExemplars > 0
	opts.FeatureRegistry = feat
	db, err := tsdb.Open(dir, logger.With("component", "tsdb"), reg, opts, stats)
	if err != nil {
		return nil, openError(dir, err)
	}
	return db, registerTimeBounds(reg, db)
}

// registerTimeBounds adds the gauges that Prometheus' command, not its library, has on the database.
func registerTimeBounds(reg prometheus.Registerer, db *tsdb.DB) error {
	gauge := func(name, help string, millis func() int64) error {
		return reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(millis() / 1000) }))
	}
	if err := gauge("prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.", db.Head().MinTime); err != nil {
		return err
	}
	if err := gauge("prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.", db.Head().MaxTime); err != nil {
		return err
	}
	return gauge("prometheus_tsdb_lowest_timestamp_seconds", "Lowest timestamp value stored in the database.", func() int64 {
		if blocks := db.Blocks(); len(blocks) > 0 {
			return blocks[0].Meta().MinTime
		}
		return db.Head().MinTime()
	})
}

// startTime tells remote read from when on the database answers by itself: its oldest sample, and the time of two
// blocks for everything to come up, as in Prometheus.
func startTime(db *tsdb.DB) (int64, error) {
	start := time.Now().UnixMilli()
	if blocks := db.Blocks(); len(blocks) > 0 {
		start = blocks[0].Meta().MinTime
	}
	return start + 2*tsdb.DefaultBlockDuration, nil
}

// statusOnly shows the API the database's figures and none of its administration.
type statusOnly struct {
	db    *tsdb.DB
	stats *tsdb.DBStats
}

var errNoAdmin = hint.Errorf("use promtool tsdb on a copy of the data", "the admin API is not part of this server")

func (s statusOnly) Stats(byLabel string, limit int) (*tsdb.Stats, error) {
	return s.db.Head().Stats(byLabel, limit), nil
}

func (s statusOnly) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return s.stats.Head.WALReplayStatus.GetWALReplayStatus(), nil
}

func (s statusOnly) BlockMetas() ([]tsdb.BlockMeta, error) { return s.db.BlockMetas(), nil }
func (statusOnly) CleanTombstones() error                  { return errNoAdmin }
func (statusOnly) Snapshot(string, bool) error             { return errNoAdmin }

func (statusOnly) Delete(context.Context, int64, int64, ...*labels.Matcher) error { return errNoAdmin }
