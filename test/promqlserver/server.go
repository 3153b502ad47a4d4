// Package promqlserver is a Prometheus for tests that decide what it has stored: Prometheus' own storage and engine, behind as
// much of its API as is asked of it. It can be made to fail in the ways that servers fail.
package promqlserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
)

// Server is the API. Its methods may be called concurrently.
type Server struct {
	*httptest.Server
	storage storage.Storage
	engine  *promql.Engine

	mu      sync.Mutex
	fault   func(w http.ResponseWriter, req *http.Request) (handled bool)
	queries []string
	lists   []string
}

// New starts a server that has nothing. The test's end ends it.
func New(t testing.TB) *Server {
	s := &Server{storage: teststorage.New(t), engine: promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// Close ends the server.
func (s *Server) Close() {
	s.CloseClientConnections()
	s.Server.Close()
}

// Store adds a sample, as of `clicks_total{pod="a"}`.
func (s *Server) Store(t testing.TB, series string, value float64, at time.Time) {
	t.Helper()
	if err := s.Append(series, value, at); err != nil {
		t.Fatal(err)
	}
}

// Append adds a sample.
func (s *Server) Append(series string, value float64, at time.Time) error {
	set, err := parser.NewParser(parser.Options{}).ParseMetric(series)
	if err != nil {
		return fmt.Errorf("%s: %w", series, err)
	}
	app := s.storage.Appender(context.Background())
	if _, err := app.Append(0, set, at.UnixMilli(), value); err != nil {
		return fmt.Errorf("%s: %w", series, err)
	}
	return app.Commit()
}

// Fail gives every request to fault first, which says whether it has answered. nil ends that.
func (s *Server) Fail(fault func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Queries returns the queries that have been asked, in their order.
func (s *Server) Queries() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.queries...)
}

// Lists returns the selectors of which the series have been asked.
func (s *Server) Lists() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lists...)
}

func (s *Server) serve(w http.ResponseWriter, req *http.Request) {
	req.ParseForm()
	s.mu.Lock()
	fault := s.fault
	switch {
	case strings.HasSuffix(req.URL.Path, "/query"):
		s.queries = append(s.queries, req.Form.Get("query"))
	case strings.HasSuffix(req.URL.Path, "/series"):
		s.lists = append(s.lists, req.Form["match[]"]...)
	}
	s.mu.Unlock()
	if fault != nil && fault(w, req) {
		return
	}
	switch req.URL.Path {
	case "/api/v1/query":
		s.query(w, req)
	case "/api/v1/series":
		s.series(w, req)
	default:
		http.NotFound(w, req)
	}
}

// moment reads a time as the API has it.
func moment(text string, otherwise time.Time) time.Time {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return time.UnixMilli(int64(seconds * 1000))
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t
	}
	return otherwise
}

func (s *Server) query(w http.ResponseWriter, req *http.Request) {
	q, err := s.engine.NewInstantQuery(req.Context(), s.storage, nil, req.Form.Get("query"), moment(req.Form.Get("time"), time.Now()))
	if err != nil {
		refuse(w, err)
		return
	}
	defer q.Close()
	result := q.Exec(req.Context())
	if result.Err != nil {
		refuse(w, result.Err)
		return
	}
	out := []any{}
	switch value := result.Value.(type) {
	case promql.Vector:
		for _, sample := range value {
			out = append(out, map[string]any{"metric": sample.Metric.Map(), "value": point(sample.T, sample.F)})
		}
		answer(w, map[string]any{"resultType": "vector", "result": out})
	case promql.Scalar:
		answer(w, map[string]any{"resultType": "scalar", "result": point(value.T, value.V)})
	default:
		refuse(w, fmt.Errorf("a %s is not for this server", result.Value.Type()))
	}
}

func point(t int64, v float64) []any {
	return []any{float64(t) / 1000, strconv.FormatFloat(v, 'f', -1, 64)}
}

func (s *Server) series(w http.ResponseWriter, req *http.Request) {
	start, end := moment(req.Form.Get("start"), time.Now().Add(-time.Hour)), moment(req.Form.Get("end"), time.Now())
	querier, err := s.storage.Querier(start.UnixMilli(), end.UnixMilli())
	if err != nil {
		refuse(w, err)
		return
	}
	defer querier.Close()
	out := []map[string]string{}
	for _, selector := range req.Form["match[]"] {
		matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
		if err != nil {
			refuse(w, err)
			return
		}
		found := querier.Select(req.Context(), true, &storage.SelectHints{Start: start.UnixMilli(), End: end.UnixMilli(), Func: "series"}, matchers...)
		for found.Next() {
			set := map[string]string{}
			found.At().Labels().Range(func(l labels.Label) { set[l.Name] = l.Value })
			out = append(out, set)
		}
	}
	answer(w, out)
}

func answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}

func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()})
}
