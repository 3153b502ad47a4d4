package instrumenttest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/instrumenttest"
)

// shop is the service under test.
func shop() (*instrument.Metrics, http.Handler, error) {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		return nil, nil, err
	}
	orders := m.CounterVec(prometheus.CounterOpts{Name: "shop_orders_total", Help: "Orders, by outcome."},
		[]string{"outcome"}, []string{"accepted"}, []string{"refused"})
	size := m.Histogram(prometheus.HistogramOpts{Name: "shop_order_items", Help: "Items of an order.", Buckets: []float64{1, 5, 10}})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{items}", func(w http.ResponseWriter, r *http.Request) {
		var items float64
		if _, err := fmt.Sscan(r.PathValue("items"), &items); err != nil {
			orders.WithLabelValues("refused").Inc()
			http.Error(w, "how many?", http.StatusBadRequest)
			return
		}
		orders.WithLabelValues("accepted").Inc()
		size.Observe(items)
	})
	return m, m.Middleware(mux), m.Err()
}

// A test of a service counts what its requests count. The T is that of `func TestOrdersAreCounted(t *testing.T)`.
func Example() {
	t := newT()
	m, service, err := shop()
	if err != nil {
		t.Fatal(err)
	}
	post := func(path string) {
		service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, strings.NewReader("")))
	}

	instrumenttest.Expect(t, m, `shop_orders_total{outcome="accepted"}`, 0) // exposed before the first
	instrumenttest.ExpectDifference(t, m, `shop_orders_total{outcome="accepted"}`, 1, func() { post("/orders/3") })
	instrumenttest.ExpectDifference(t, m, `shop_orders_total{outcome="accepted"}`, 0, func() { post("/orders/many") })
	instrumenttest.ExpectHistogram(t, m, "shop_order_items", 1, 3)
	instrumenttest.Expect(t, m, `http_requests_total{route="/orders/{items}",method="POST",status="400"}`, 1)
	instrumenttest.ExpectMissing(t, m, `shop_orders_total{outcome="overflow"}`)
	instrumenttest.Lint(t, m)

	instrumenttest.Expect(t, m, `shop_order_total{outcome="refused"}`, 1) // a failure, for once
	// Output:
	// shop_order_total{outcome="refused"} is not exposed, want 1; near it:
	// 	shop_orders_total{outcome="accepted"} 1
	// 	shop_orders_total{outcome="refused"} 1
}

// printingT takes the place of the testing.T that an example does not have.
type printingT struct{ testing.TB }

func newT() testing.TB { return printingT{} }

func (printingT) Helper()                        {}
func (printingT) Errorf(format string, v ...any) { fmt.Printf(format+"\n", v...) }
