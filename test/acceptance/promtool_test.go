package acceptance

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/truecount/truecount/test/tool"
)

// embeddedPromtool builds promtool from the very version of Prometheus that is embedded.
var embeddedPromtool = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(program), "promtool")
	out, err := exec.Command("go", "build", "-o", path, "github.com/prometheus/prometheus/cmd/promtool").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out)}
	}
	return path, nil
})

type buildError struct{ output string }

func (e *buildError) Error() string { return "build promtool: " + e.output }

// TestPromtoolCheckMetricsIsCleanForAllDemos runs clicks, dogwalk, latency and servicewindow and has promtool read what each exports:
// one worker's own metrics, those of a replica, those of the service, and beside them the platform's own.
func TestPromtoolCheckMetricsIsCleanForAllDemos(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "5")
	c.click(2)
	for _, name := range []string{"latency", "servicewindow"} {
		var body []byte
		var status int
		var err error
		eventually(t, patience, func() bool { body, status, err = fetch(c.Addresses[name] + "/"); return err == nil && status == 200 },
			func() string { return fmt.Sprintf("%s: status %d, %v: %s", name, status, err, body) })
	}
	for _, metric := range []string{"walks_started_total", "service_uptime_seconds_total", `http_requests_total{service="latency"}`, "checkout_service_window_in_window"} {
		eventually(t, patience, func() bool { v, _ := c.query("sum(" + metric + ")"); return v > 0 }, func() string { return "no " + metric })
	}
	endpoints := []string{"/metrics"}
	for _, name := range demos {
		endpoints = append(endpoints, "/replicas/default/"+name+"-0/metrics", "/services/default/"+name+"/metrics", "/services/default/"+name+"/naive")
	}
	for name, promtool := range promtools(t) {
		for _, endpoint := range endpoints {
			t.Run(name+endpoint, func(t *testing.T) {
				check := exec.Command(promtool, "check", "metrics")
				check.Stdin = bytes.NewReader(c.get(endpoint))
				if out, err := check.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

func TestPromtoolQueriesUp(t *testing.T) {
	t.Parallel()
	tools := promtools(t) // first: the machine is busy while one is built
	c := startUp(t, "--traffic", "0")
	for name, promtool := range tools {
		t.Run(name, func(t *testing.T) {
			var out []byte
			var err error
			eventually(t, patience, func() bool {
				out, err = exec.Command(promtool, "query", "instant", c.URL, `up{job="clicks"}`).CombinedOutput()
				return err == nil && strings.Contains(string(out), `pod="clicks-0"`) && strings.Contains(string(out), "=> 1 @")
			}, func() string { return fmt.Sprintf("%v\n%s", err, out) })
		})
	}
}

// promtools are the embedded version's and, as a second opinion, Debian's.
func promtools(t *testing.T) map[string]string {
	t.Helper()
	own, err := embeddedPromtool()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"embedded": own, "debian": tool.Need(t, "promtool")}
}
