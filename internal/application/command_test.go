package application_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/application"
)

func TestACommandNeedsNoFile(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    []string
		opts    application.CommandOptions
		app     string
		workers int
		manager application.Manager
		wrong   string
	}{
		{name: "a service of ours", args: []string{"./bin/My_Service", "--x"}, opts: application.CommandOptions{Port: 8000, Workers: 3}, app: "my-service", workers: 3, manager: "truecount"},
		{name: "its name is said", args: []string{"./x"}, opts: application.CommandOptions{Name: "shop"}, app: "shop", workers: 1, manager: "truecount"},
		{name: "gunicorn starts its own", args: []string{"gunicorn", "app:app"}, opts: application.CommandOptions{Port: 8000, Workers: 2}, app: "gunicorn", workers: 2, manager: "program"},
		{name: "as a module of python", args: []string{"python3", "-m", "gunicorn", "app:app"}, app: "python3", workers: 1, manager: "program"},
		{name: "the command's own count", args: []string{"gunicorn", "-w", "4", "app:app"}, app: "gunicorn", workers: 4, manager: "program"},
		{name: "the count in one word", args: []string{"gunicorn", "-w4"}, app: "gunicorn", workers: 4, manager: "program"},
		{name: "a -w that is no count", args: []string{"serve", "-w", "dir"}, app: "serve", workers: 1, manager: "truecount"},
		{name: "behind a double dash", args: []string{"serve", "--", "-w", "4"}, app: "serve", workers: 1, manager: "truecount"},
		{name: "the count twice", args: []string{"gunicorn", "--workers=4"}, opts: application.CommandOptions{Workers: 2}, wrong: "command: the worker count is given twice: --workers=4 in the command and 2 beside it"},
		{name: "no command", wrong: "command: names no program"},
		{name: "a wrong name", args: []string{"x"}, opts: application.CommandOptions{Name: "A B"}, wrong: `metadata.name: "A B" cannot be a name on Kubernetes`},
		{name: "a wrong port", args: []string{"x"}, opts: application.CommandOptions{Port: 70000}, wrong: "port: want a number from 1 to 65535, got 70000"},
		{name: "a wrong count", args: []string{"x"}, opts: application.CommandOptions{Workers: -1}, wrong: "workers: want a number from 1 to 1024, got -1"},
		{name: "a path of metrics without a port", args: []string{"x"}, opts: application.CommandOptions{MetricsEndpoint: "/metrics"}, wrong: "spec.workers.metrics.endpoint: the application has no port"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := application.ForCommand(test.args, test.opts)
			if test.wrong != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.wrong) {
					t.Errorf("got %v, want %s", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w := a.Spec.Workers
			if a.Metadata.Name != test.app || a.Metadata.Namespace != "default" || w.Count != test.workers || w.Manager != test.manager || w.Metrics.Sockets == nil {
				t.Errorf("got %+v of %+v", w, a.Metadata)
			}
		})
	}
}

func TestATargetNeedsNoFile(t *testing.T) {
	for _, test := range []struct{ target, endpoint, name, wrong string }{
		{target: "http://127.0.0.1:8000/metrics", endpoint: "http://127.0.0.1:8000/metrics", name: "127-0-0-1-8000"},
		{target: "localhost:8000", endpoint: "http://localhost:8000/metrics", name: "localhost-8000"},
		{target: "https://example.org/", endpoint: "https://example.org/metrics", name: "example-org"},
		{target: "http://[::1]:9/m?x=1", endpoint: "http://[::1]:9/m?x=1", name: "1-9"},
		{target: "ftp://example.org", wrong: "target: is no http or https URL"},
		{target: "", wrong: "target: is no http or https URL"},
		{target: ":8000", wrong: "target: is no http or https URL"},
		{target: "http://admin:geheim@example.org", wrong: "target: has a user and password in it"},
		{target: "http://admin:geheim@exa mple.org", wrong: "target: is no http or https URL"},
	} {
		a, err := application.ForTarget(test.target)
		if test.wrong != "" {
			if err == nil || !strings.HasPrefix(err.Error(), test.wrong) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%s: got %v, want %s", test.target, err, test.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.target, err)
			continue
		}
		if a.Spec.Workers.Metrics.Endpoint != test.endpoint || a.Metadata.Name != test.name || a.Spec.Workers.Metrics.Sockets != nil {
			t.Errorf("%s: got %s called %s", test.target, a.Spec.Workers.Metrics.Endpoint, a.Metadata.Name)
		}
	}
}

func TestPortsThatCollideOnOneMachineAreTold(t *testing.T) {
	parse := func(name, data string) *application.Application {
		f, err := application.Parse(name, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return f.Applications[0]
	}
	clicks := parse("clicks.yaml", head+"  workers: {count: 4, metrics: {ports: {start: 5001}}}\n")
	walks := func(spec string) *application.Application {
		return parse("walks.yaml", strings.Replace(head, "clicks", "walks", 1)[:strings.Index(head, "spec:")-1]+spec)
	}
	for _, test := range []struct{ name, spec, want string }{
		{"the same port", "spec: {port: 8000}\n", "walks.yaml:4:14: spec.port: port 8000 is used by clicks, too: clicks.yaml:5:9"},
		{"a port in the other's range", "spec: {port: 5004}\n", "walks.yaml:4:14: spec.port: port 5004 is used by clicks, too: clicks.yaml:6:48"},
		{"ranges that overlap", "spec: {port: 8001, workers: {count: 2, metrics: {ports: {start: 5000}}}}\n", "walks.yaml:4:65: spec.workers.metrics.ports.start: port 5001 is used by clicks, too: clicks.yaml:6:48"},
		{"none", "spec: {port: 8001, workers: {count: 2, metrics: {ports: {start: 5005}}}}\n", ""},
	} {
		err := application.CheckTogether(clicks, walks(test.spec))
		got := ""
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestARelativeFolderStartsAtTheFile(t *testing.T) {
	f, err := application.Parse(filepath.Join("deep", "truecount.yaml"), []byte(head+"  dir: srv\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Applications[0].WorkingDir(), filepath.Join("deep", "srv"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
