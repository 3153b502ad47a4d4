package instrument_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/demo/database/databasetest"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/dynamic"
)

// dogs is a service whose metrics are the rows of a table in PostgreSQL, behind a proxy.
type dogs struct {
	proxy   *proxy
	direct  *sql.DB // past the proxy
	service *httptest.Server
}

func startDogs(t *testing.T) *dogs {
	cluster := databasetest.Start(t)
	address := cluster.NewDatabase(t)
	d := &dogs{proxy: newProxy(t, filepath.Join(cluster.Socket, ".s.PGSQL."+databasetest.Port))}
	open := func(host, port string) *sql.DB {
		address := address
		address.Host, address.Port = host, port
		connector, err := address.Address().Connector()
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		db.SetMaxOpenConns(2)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	d.direct = open(cluster.Socket, databasetest.Port)
	d.exec(t, "CREATE TABLE dogs (name TEXT PRIMARY KEY, age INTEGER)")
	d.exec(t, "INSERT INTO dogs VALUES ('rex', 7)")

	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
	host, port, _ := net.SplitHostPort(d.proxy.addr)
	d.run(t, m, open(host, port))
	d.service = httptest.NewServer(m.Handler())
	t.Cleanup(d.service.Close)
	return d
}

func (d *dogs) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.direct.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func (d *dogs) run(t *testing.T, m *instrument.Metrics, db *sql.DB) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- dynamic.Run(ctx, m, dynamic.Options{Name: "dogs", Ready: db.PingContext,
			Collect: func(ctx context.Context, yield func(dynamic.Sample)) error {
				rows, err := db.QueryContext(ctx, "SELECT name, age FROM dogs ORDER BY name")
				if err != nil {
					return err
				}
				defer func() { _ = rows.Close() }()
				for rows.Next() {
					var name string
					var age float64
					if err := rows.Scan(&name, &age); err != nil {
						return err
					}
					yield(dynamic.Sample{Name: name + "_age_years", Value: age})
				}
				return rows.Err()
			}})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// scrape asks as Prometheus does, and announces after how many seconds that gives up. The test itself has more patience: on a busy
// machine a hang may leave too little time to put the rest together, then the answer is 503, and it is asked again.
func (d *dogs) scrape(t *testing.T, timeout string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, d.service.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
	client := &http.Client{Transport: d.service.Client().Transport, Timeout: 30 * time.Second}
	for late := time.Now().Add(time.Minute); ; {
		status, body := d.ask(t, client, r)
		if status == http.StatusServiceUnavailable && time.Now().Before(late) {
			continue
		}
		if status != http.StatusOK {
			t.Fatalf("status %d: %s", status, body)
		}
		return body
	}
}

func (d *dogs) ask(t *testing.T, client *http.Client, r *http.Request) (status int, body string) {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatalf("the scrape hung: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// until scrapes until the text is there.
func (d *dogs) until(t *testing.T, text string) {
	t.Helper()
	ticker, late := time.NewTicker(100*time.Millisecond), time.After(time.Minute)
	defer ticker.Stop()
	for !strings.Contains(d.scrape(t, "10"), text) {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("%s does not come", text)
		}
	}
}

func TestAScrapeIsAnsweredInTimeWhateverTheDatabaseDoes(t *testing.T) {
	d := startDogs(t)
	d.until(t, "rex_age_years 7")
	for name, m := range map[string]mode{"down": down, "hanging": hanging, "slow": trickling} {
		t.Run(name, func(t *testing.T) {
			d.proxy.set(m)
			d.exec(t, "UPDATE dogs SET age = age + 1") // what was exposed is not true any more
			for range 2 {
				text := d.scrape(t, "5")
				if strings.Contains(text, "rex_age_years") {
					t.Error("a value of an earlier scrape is exposed")
				}
				for _, want := range []string{"\nclicks_total 0\n", `instrument_collector_success{collector="dogs"} 0`} {
					if !strings.Contains(text, want) {
						t.Errorf("missing: %s", want)
					}
				}
			}
			d.proxy.set(well)
			var age int
			if err := d.direct.QueryRowContext(t.Context(), "SELECT age FROM dogs").Scan(&age); err != nil {
				t.Fatal(err)
			}
			d.until(t, fmt.Sprintf("\nrex_age_years %d\n", age))
			if text := d.scrape(t, "10"); !strings.Contains(text, `instrument_collector_success{collector="dogs"} 1`) {
				t.Error("the collector is not said to work again")
			}
		})
	}
}

func TestGoroutinesStayFlatOverAThousandScrapesOfADatabaseThatHangs(t *testing.T) {
	d := startDogs(t)
	d.until(t, "rex_age_years 7")
	d.proxy.set(hanging)
	d.scrape(t, "5") // with time to see that it hangs
	before := runtime.NumGoroutine()
	handler := d.service.Config.Handler
	for range 1000 {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.01")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Connections that were given up end by and by, in the driver and in the proxy.
	late := time.After(time.Minute)
	for runtime.NumGoroutine() > before+20 {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-late:
			t.Fatalf("%d goroutines before a thousand scrapes, %d after", before, runtime.NumGoroutine())
		}
	}
	d.proxy.set(well)
	d.until(t, "rex_age_years 7")
}
