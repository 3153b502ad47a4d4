package server

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"google.golang.org/protobuf/proto"
)

// federate answers with the latest sample of every series that a match[] selects, if it is younger than the lookback, with its
// time, in the text format, as untyped. External labels are added where a series has none of that name; instance
// is always there, so that the scraper's own does not take its place. Native histograms have no text form and
// are left out.
func (s *Server) federate(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "error parsing form values: "+err.Error(), http.StatusBadRequest)
		return
	}
	selectors, err := newParser().ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	families, err := s.latest(r, selectors, time.Now())
	if err != nil {
		s.metrics.federationErrors.Inc()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.NewFormat(expfmt.TypeTextPlain))
	w.Header().Set("Content-Type", string(format))
	encoder := expfmt.NewEncoder(w, format)
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			s.metrics.federationErrors.Inc()
			s.opts.Logger.Warn("answer to /federate ended early", "err", err)
			return
		}
	}
}

// latest returns the newest float samples, grouped by metric name and sorted by it.
func (s *Server) latest(r *http.Request, selectors [][]*labels.Matcher, now time.Time) (_ []*dto.MetricFamily, err error) {
	start, end := now.Add(-s.opts.Query.LookbackDelta).UnixMilli(), now.UnixMilli()
	q, err := s.db.Querier(start, end)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	var sets []storage.SeriesSet
	for _, matchers := range selectors {
		sets = append(sets, q.Select(r.Context(), true, &storage.SelectHints{Start: start, End: end}, matchers...))
	}
	set := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	byName := map[string]*dto.MetricFamily{}
	external := s.externalLabels()
	var it chunkenc.Iterator
	for set.Next() {
		series := set.At()
		it = series.Iterator(it)
		at, v, ok := last(it)
		name := series.Labels().Get(model.MetricNameLabel)
		if err := it.Err(); err != nil {
			return nil, err
		}
		if !ok || name == "" {
			continue
		}
		f := byName[name]
		if f == nil {
			f = &dto.MetricFamily{Name: proto.String(name), Type: dto.MetricType_UNTYPED.Enum()}
			byName[name] = f
		}
		f.Metric = append(f.Metric, &dto.Metric{
			Label: federatedLabels(series.Labels(), external), TimestampMs: proto.Int64(at),
			Untyped: &dto.Untyped{Value: proto.Float64(v)},
		})
	}
	families := make([]*dto.MetricFamily, 0, len(byName))
	for _, f := range byName {
		families = append(families, f)
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return families, set.Err()
}

// last walks to the newest sample; it is false for histograms and for series that have ended.
func last(it chunkenc.Iterator) (at int64, v float64, ok bool) {
	for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
		if ok = kind == chunkenc.ValFloat; ok {
			at, v = it.At()
		}
	}
	return at, v, ok && !value.IsStaleNaN(v)
}

func (s *Server) externalLabels() map[string]string {
	external := s.config.Load().GlobalConfig.ExternalLabels.Map()
	if _, ok := external[model.InstanceLabel]; !ok {
		external[model.InstanceLabel] = ""
	}
	return external
}

func federatedLabels(own labels.Labels, external map[string]string) []*dto.LabelPair {
	merged := labels.NewBuilder(own).Del(model.MetricNameLabel)
	var pairs []*dto.LabelPair
	add := func(name, value string) {
		pairs = append(pairs, &dto.LabelPair{Name: proto.String(name), Value: proto.String(value)})
	}
	merged.Labels().Range(func(l labels.Label) { add(l.Name, l.Value) })
	for name, value := range external {
		if !own.Has(name) {
			add(name, value)
		}
	}
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return pairs
}
