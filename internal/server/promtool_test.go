package server

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

// promtools are the embedded version's, built from the module, and the distribution's as a second opinion.
func promtools(t *testing.T) map[string]string {
	t.Helper()
	tools := map[string]string{}
	embedded := filepath.Join(t.TempDir(), "promtool")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", embedded, "github.com/prometheus/prometheus/cmd/promtool")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build promtool: %v\n%s", err, out)
	}
	tools["embedded"] = embedded
	installed, err := exec.LookPath("promtool")
	switch {
	case err == nil:
		tools["installed"] = installed
	case os.Getenv("REQUIRE_TOOLS") == "1":
		t.Fatal("promtool is not installed: scripts/tools.sh")
	default:
		t.Log("without a second opinion: promtool is not installed (scripts/tools.sh)")
	}
	return tools
}

func TestPromtoolWorksAgainstTheServer(t *testing.T) {
	tools := promtools(t) // before there are samples to ask for: it can take a minute
	tg := newTarget(t, "# HELP clicks_total Clicks.\n# TYPE clicks_total counter\nclicks_total{worker=\"1\"} 7\n")
	config := configuration(t, "rules.yml", "target.invalid:1", tg.addr(), "alertmanager.invalid:1", "127.0.0.1:1")
	withRules(t, config, "rules_clicks.yml")
	in := run(t, config)
	in.eventuallyValue(t, "job:clicks:sum", "7")
	_, metrics := in.get(t, "/metrics")
	for name, tool := range tools {
		t.Run(name, func(t *testing.T) {
			promtool := func(args ...string) string {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				out, err := exec.CommandContext(ctx, tool, args...).CombinedOutput()
				if err != nil {
					t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
				}
				return string(out)
			}
			now := time.Now()
			type call struct {
				want string
				args []string
			}
			calls := []call{
				{`{instance="` + tg.addr() + `", job="clicks", worker="1"} => 7`, []string{"query", "instant", in.url, "clicks_total"}},
				{"7 @[", []string{"query", "range", "--start", unix(now.Add(-time.Minute)), "--end", unix(now.Add(time.Second)), in.url, "clicks_total"}},
				{`worker="1"`, []string{"query", "series", "--match", "clicks_total", in.url}},
				{"1", []string{"query", "labels", in.url, "worker"}},
				{"SUCCESS", []string{"check", "config", config}},
			}
			if name == "embedded" { // younger than what distributions carry
				calls = append(calls, call{"SUCCESS", []string{"check", "ready", "--url", in.url}},
					call{"SUCCESS", []string{"check", "healthy", "--url", in.url}})
			}
			for _, c := range calls {
				// A scrape that is not over after its 100 ms leaves a gap, which the next one ends.
				await.True(t, "promtool "+strings.Join(c.args, " ")+" says "+c.want, func() bool {
					return strings.Contains(promtool(c.args...), c.want)
				})
			}
			lint(t, tool, metrics)
		})
	}
}

func unix(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// lint checks the form of the server's own metrics. The libraries' names are not ours to change: only what cannot be
// parsed is an error (exit code 1), not what could be named better (3).
func lint(t *testing.T, tool, metrics string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool, "check", "metrics")
	cmd.Stdin = bytes.NewReader([]byte(metrics))
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 {
		t.Errorf("check metrics: %v\n%s", err, out)
	}
}
