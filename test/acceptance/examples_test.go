package acceptance

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/truecount/truecount/test/tool"
)

// TestUpRunsTheExamplesInPython runs the applications of examples/python by their own truecount.yaml, on another port: gunicorn's
// four workers are one number on the first page.
func TestUpRunsTheExamplesInPython(t *testing.T) {
	tool.Need(t, "gunicorn")
	for _, example := range []struct {
		folder, name, path string
		modules            []string
		manage             [][]string
		counter            func(requests int) (name string, want float64)
	}{
		{
			folder: "flask", name: "clicks-flask", path: "/click-button", modules: []string{"flask", "prometheus_client"},
			counter: func(n int) (string, float64) { return "demo_app_button_clicks_total", float64(n) },
		},
		{
			folder: "django", name: "dogwalk-django", path: "/walks/start", modules: []string{"django", "django_prometheus"},
			manage: [][]string{{"migrate"}, {"loaddata", "kennel"}},
			// These come without the form's token, and are refused before the view: no walk is started, and each is counted.
			counter: func(n int) (string, float64) {
				return `django_http_responses_total_by_status_total{status="403"}`, float64(n)
			},
		},
	} {
		t.Run(example.folder, func(t *testing.T) {
			t.Parallel()
			interpreter := tool.Python(t, example.modules...)
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "python", example.folder))); err != nil {
				t.Fatal(err)
			}
			for _, arguments := range example.manage {
				manage := exec.CommandContext(t.Context(), interpreter, append([]string{"manage.py"}, arguments...)...)
				manage.Dir = dir
				if out, err := manage.CombinedOutput(); err != nil {
					t.Fatalf("manage.py %v: %v\n%s", arguments, err, out)
				}
			}
			file := onAnotherPort(t, filepath.Join(dir, "truecount.yaml"))
			c := startUp(t, "--data", filepath.Join(dir, "data"), "-f", file)
			const requests = 60
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for range requests {
				response, err := client.Post(c.Addresses[example.name]+example.path, "", nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			counter, want := example.counter(requests)
			eventually(t, patience, func() bool {
				got, found := c.query(fmt.Sprintf(`sum(%s) by (service)`, counter))
				return found && got == want
			}, func() string { return fmt.Sprintf("%s is not %v", counter, want) })
			page := c.application(example.name)
			if page.Strip == nil || page.Strip.Metric != "demo_app_button_clicks_total" && page.Strip.Metric != "walks_started_total" {
				t.Fatalf("the first page shows %+v", page.Strip)
			}
			if example.folder == "flask" && (page.Strip.Merged.Value == nil || *page.Strip.Merged.Value != want) {
				t.Errorf("the merged count on the first page is %v, want %v", page.Strip.Merged.Value, want)
			}
			eventually(t, patience, func() bool { return len(c.application(example.name).Replicas[0].Workers) == 4 },
				func() string {
					return fmt.Sprintf("the first page shows %+v, want 4 workers", c.application(example.name).Replicas)
				})
		})
	}
}

// onAnotherPort writes the port of an application file anew.
func onAnotherPort(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	before, after, _ := strings.Cut(string(text), "\n  port: ")
	_, after, found := strings.Cut(after, "\n")
	if !found {
		t.Fatalf("%s has no port", file)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(file, []byte(before+"\n  port: "+port+"\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
