package controlplane

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/truecount/truecount/test/controlplane/namespace"
)

// exporterScrapeConfig takes the values of the exporter as they are, with the labels that they have there. A scrape that takes longer than
// the interval would take all series away for a while.
var exporterScrapeConfig = fmt.Sprintf(`
- job_name: exporter
  scrape_interval: 5s
  honor_labels: true
  static_configs: [{targets: ["%s"]}]
`, exporterAddress)

var exporterAddress = net.JoinHostPort(namespace.Host.String(), "9200")

// exporter is a target whose values a test decides: any number, and how old it is. Each test has a name of its own in it.
type exporter struct {
	mu    sync.Mutex
	texts map[string]string
}

var startExporter = sync.OnceValues(func() (*exporter, error) {
	e := &exporter{texts: map[string]string{}}
	listener, err := net.Listen("tcp", exporterAddress)
	if err != nil {
		return nil, err
	}
	go http.Serve(listener, e) // as long as the process
	return e, nil
})

// expose replaces what a test exposes, in the text format; "" takes it away, which the end of the test does.
func expose(t *testing.T, lines ...string) {
	t.Helper()
	e, err := startExporter()
	if err != nil {
		t.Fatal(err)
	}
	e.set(t.Name(), strings.Join(lines, "\n"))
	t.Cleanup(func() { e.set(t.Name(), "") })
}

func (e *exporter) set(name, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.texts[name] = text
}

func (e *exporter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	for _, text := range e.texts {
		fmt.Fprintln(w, text)
	}
}
