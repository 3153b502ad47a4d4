package oteltrace_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/oteltrace"
)

// spans starts a span for each request, as otelhttp.NewHandler does.
func spans(tracer trace.Tracer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(r.Context(), "request")
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// fixedIDs makes the same ids for every span, so that the example has an output.
type fixedIDs struct{}

func (fixedIDs) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return trace.TraceID{0x4b, 0xf9}, trace.SpanID{0x00, 0xf0}
}
func (fixedIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	return trace.SpanID{0x00, 0xf0}
}

func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Trace: oteltrace.Trace})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /walks/{id}", func(w http.ResponseWriter, r *http.Request) {})
	tracer := sdk.NewTracerProvider(sdk.WithIDGenerator(fixedIDs{})).Tracer("walks")
	service := spans(tracer, m.Middleware(mux))

	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/walks/7", nil))
	fmt.Println(exemplarOf(m, "http_requests_total"))
	// Output:
	// 4bf90000000000000000000000000000 00f0000000000000
}

// exemplarOf returns the ids of a metric's first exemplar, as a scrape in OpenMetrics has them.
func exemplarOf(m *instrument.Metrics, name string) string {
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, r)
	for line := range strings.Lines(rec.Body.String()) {
		if _, exemplar, has := strings.Cut(line, " # "); has && strings.HasPrefix(line, name+"{") {
			return id(exemplar, "trace_id") + " " + id(exemplar, "span_id")
		}
	}
	return "none"
}

func id(exemplar, label string) string {
	_, value, _ := strings.Cut(exemplar, label+`="`)
	value, _, _ = strings.Cut(value, `"`)
	return value
}

func TestOnlySampledSpansAreExemplarsAndAllAreTold(t *testing.T) {
	for _, tt := range []struct {
		name    string
		sampler sdk.Sampler
		sampled bool
	}{{"sampled", sdk.AlwaysSample(), true}, {"not sampled", sdk.NeverSample(), false}} {
		t.Run(tt.name, func(t *testing.T) {
			var told instrument.Served
			m, err := instrument.New(instrument.Options{
				Registry: prometheus.NewRegistry(), Trace: oteltrace.Trace,
				Served: func(_ *http.Request, s instrument.Served) { told = s },
			})
			if err != nil {
				t.Fatal(err)
			}
			var inside trace.SpanContext
			provider := sdk.NewTracerProvider(sdk.WithSampler(tt.sampler))
			h := spans(provider.Tracer("test"), m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				inside = trace.SpanContextFromContext(r.Context())
			})))
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			if told.TraceID != inside.TraceID().String() || told.SpanID != inside.SpanID().String() || !inside.IsValid() {
				t.Errorf("told %+v, the span is %v", told, inside)
			}
			want := "none"
			if tt.sampled {
				want = told.TraceID + " " + told.SpanID
			}
			if got := exemplarOf(m, "http_requests_total"); got != want {
				t.Errorf("the exemplar is %s, want %s", got, want)
			}
		})
	}
}

func TestARequestWithoutASpanHasNoTrace(t *testing.T) {
	if got, ok := oteltrace.Trace(httptest.NewRequest("GET", "/", nil)); ok || got != (instrument.Trace{}) {
		t.Errorf("got %+v, %t", got, ok)
	}
}
