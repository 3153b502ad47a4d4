package python

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestA7LogsAreLinesOfJSONWithTheFieldsOfTheTutorial(t *testing.T) {
	t.Parallel()
	for _, program := range []program{programs[0], programs[1]} {
		t.Run(program.name, func(t *testing.T) {
			t.Parallel()
			s := need(t, program)
			p := s.run(t, "PROMETHEUS_MULTIPROC_DIR="+t.TempDir())
			for _, header := range []http.Header{
				{"User-Agent": {""}},
				{"User-Agent": {`walk"er\ 1.0`}, "Referer": {"http://127.0.0.1/walks?q=\"1\""}, "Authorization": {"Basic cmV4OnNlY3JldA=="}}, // rex:secret
			} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/nothing?here=1", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				request.Header = header
				response, err := client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
			}
			p.stop()

			const common, access = "event level logger timestamp", "agent event host level logger referer request size status time timestamp user"
			var found []map[string]any
			for _, line := range lines(t, p.read(p.out)) {
				if got := strings.Join(slices.Sorted(maps.Keys(line)), " "); got != access {
					t.Errorf("a request has the fields %s", got)
				}
				if line["logger"] != "gunicorn.access" || line["event"] != "request" || line["level"] != "info" {
					t.Errorf("a request is %v", line)
				}
				at, _ := line["time"].(string)
				if _, err := time.Parse("02/Jan/2006:15:04:05 -0700", at); err != nil {
					t.Error(err)
				}
				if strings.HasPrefix(line["request"].(string), "GET /nothing") {
					maps.DeleteFunc(line, func(name string, _ any) bool { return strings.Contains(common+" time", name) })
					found = append(found, line)
				}
			}
			size := found[0]["size"].(float64)
			want := []map[string]any{
				{"host": "127.0.0.1", "user": nil, "request": "GET /nothing?here=1 HTTP/1.1", "status": 404.0, "size": size, "referer": nil, "agent": nil},
				{"host": "127.0.0.1", "user": "rex", "request": "GET /nothing?here=1 HTTP/1.1", "status": 404.0, "size": size,
					"referer": "http://127.0.0.1/walks?q=\"1\"", "agent": `walk"er\ 1.0`},
			}
			if diff := cmp.Diff(want, found); diff != "" || size < 100 {
				t.Errorf("requests:\n%s", diff)
			}

			events := map[string]string{}
			for _, line := range lines(t, p.read(p.err)) {
				if got := strings.Join(slices.Sorted(maps.Keys(line)), " "); got != common {
					t.Errorf("a line has the fields %s", got)
				}
				events[line["event"].(string)] = line["level"].(string) + " of " + line["logger"].(string)
			}
			if events["Handling signal: term"] != "info of gunicorn.error" {
				t.Errorf("gunicorn says %v", events)
			}
			if s.example == "django" && events["Not Found: /nothing"] != "warning of django.request" {
				t.Errorf("Django says %v", events)
			}
		})
	}
}

// lines reads a log, of which each line must be an object with a time.
func lines(t *testing.T, log string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		decoder := json.NewDecoder(bytes.NewReader([]byte(line)))
		fields := map[string]any{}
		if err := decoder.Decode(&fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		at, _ := fields["timestamp"].(string)
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z", at); err != nil {
			t.Error(err)
		}
		all = append(all, fields)
	}
	if len(all) == 0 {
		t.Fatal("the log is empty")
	}
	return all
}
