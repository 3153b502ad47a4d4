package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/promapi"
)

// Source answers questions about a history. It may be used concurrently.
type Source struct {
	history *History
	engine  *promql.Engine
}

// Source ends the reading and returns what answers. Close it after use.
func (h *History) Source() *Source {
	h.sort()
	return &Source{history: h, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples:               MaxSamples,
		Timeout:                  2 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   queryParser(),
	})}
}

var queryParser = sync.OnceValue(func() parser.Parser { return parser.NewParser(parser.Options{}) })

// Close ends the engine.
func (s *Source) Close() error { return s.engine.Close() }

// Query evaluates an expression at a time.
func (s *Source) Query(ctx context.Context, expr string, at time.Time) ([]promapi.Sample, error) {
	query, err := s.engine.NewInstantQuery(ctx, s.history, nil, expr, at)
	if err != nil {
		return nil, refused(err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, refused(result.Err)
	}
	switch v := result.Value.(type) {
	case promql.Vector:
		samples := make([]promapi.Sample, len(v))
		for i, s := range v {
			if s.H != nil {
				return nil, errHistogram
			}
			samples[i] = promapi.Sample{Labels: s.Metric, Time: time.UnixMilli(s.T), Value: s.F}
		}
		return samples, nil
	case promql.Scalar:
		return []promapi.Sample{{Time: time.UnixMilli(v.T), Value: v.V}}, nil
	}
	return nil, errors.New("the query answers with ranges or a text, not with one value per series")
}

// QueryRange evaluates an expression at start and every step after it until end.
func (s *Source) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]promapi.Series, error) {
	query, err := s.engine.NewRangeQuery(ctx, s.history, nil, expr, start, end, step)
	if err != nil {
		return nil, refused(err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, refused(result.Err)
	}
	matrix, ok := result.Value.(promql.Matrix)
	if !ok {
		return nil, errors.New("the query answers with a text, not with numbers")
	}
	found := make([]promapi.Series, len(matrix))
	for i, m := range matrix {
		if len(m.Histograms) > 0 {
			return nil, errHistogram
		}
		found[i] = promapi.Series{Labels: m.Metric, Points: make([]promapi.Point, len(m.Floats))}
		for j, p := range m.Floats { // the engine uses its own again
			found[i].Points[j] = promapi.Point{Time: p.T, Value: p.F}
		}
	}
	return found, nil
}

var errHistogram = errors.New("the query answers with native histograms, not with numbers")

func refused(err error) error { return fmt.Errorf("the query cannot be answered: %w", err) }

// Series calls yield with the labels of every series that one of the matchers selects and that has samples between start and end.
func (s *Source) Series(_ context.Context, matchers []string, start, end time.Time, yield func(labels.Labels) error) error {
	for _, text := range matchers {
		selector, err := queryParser().ParseMetricSelector(text)
		if err != nil {
			return refused(err)
		}
		q := querier{history: s.history, mint: start.UnixMilli(), maxt: end.UnixMilli()}
		for _, found := range q.find(selector) {
			if err := yield(found.labels); err != nil {
				return err
			}
		}
	}
	return nil
}
