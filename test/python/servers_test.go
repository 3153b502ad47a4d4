package python

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/script"
	"github.com/truecount/truecount/test/tool"
)

// concurrency is how many workers each program has.
const concurrency = 4

// program is one way to run an example.
type program struct {
	name    string
	example string // its folder below examples/python
	server  string // gunicorn or uwsgi_python3
	more    []string
}

var programs = []program{
	{name: "django by gunicorn", example: "django", server: "gunicorn"},
	{name: "flask by gunicorn", example: "flask", server: "gunicorn"},
	{name: "flask by gunicorn, preloaded", example: "flask", server: "gunicorn", more: []string{"--preload"}},
	{name: "flask by uWSGI", example: "flask", server: "uwsgi_python3"},
	{name: "flask by uWSGI, lazy", example: "flask", server: "uwsgi_python3", more: []string{"--lazy-apps"}},
}

// setup is what a program needs on this machine.
type setup struct {
	program
	interpreter string
	dir         string // of the example
	base        string // of its pages
	env         []string
}

// need finds what runs the program, and prepares the database.
func need(t *testing.T, p program) *setup {
	t.Helper()
	s := &setup{program: p}
	modules := []string{"prometheus_client", "flask"}
	if p.example == "django" {
		modules = []string{"prometheus_client", "django", "django_prometheus"}
	}
	if p.server == "gunicorn" {
		modules = append(modules, "gunicorn")
	} else {
		tool.Need(t, p.server)
	}
	s.interpreter = tool.Python(t, modules...)
	var err error
	if s.dir, err = filepath.Abs(filepath.Join("..", "..", "examples", "python", p.example)); err != nil {
		t.Fatal(err)
	}
	port, err := script.FreeRange(1)
	if err != nil {
		t.Fatal(err)
	}
	s.base = fmt.Sprintf("http://127.0.0.1:%d", port)
	s.env = []string{fmt.Sprintf("PORT=%d", port), fmt.Sprintf("WEB_CONCURRENCY=%d", concurrency)}
	// What the example calls python3 is the interpreter that has the modules.
	path := t.TempDir()
	if err := os.Symlink(s.interpreter, filepath.Join(path, "python3")); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
	if p.example == "django" {
		s.env = append(s.env, "SQLITE_FILE="+filepath.Join(t.TempDir(), "dogwalk.db"))
		s.manage(t, "migrate")
		s.manage(t, "loaddata", "kennel")
	}
	return s
}

// manage runs one of Django's commands.
func (s *setup) manage(t *testing.T, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.interpreter, append([]string{"manage.py"}, arguments...)...)
	cmd.Dir, cmd.Env = s.dir, environment(s.env)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("manage.py %v: %v\n%s", arguments, err, out)
	}
	return string(out)
}

// begin starts the program, whose workers are replaced after about 50 requests, without waiting for it.
func (s *setup) begin(t *testing.T, env []string, arguments ...string) *process {
	t.Helper()
	var command []string
	switch {
	case s.server != "gunicorn":
		// uWSGI replaces no worker that is younger than a minute, and rests when many end, unless it is told otherwise.
		command = []string{s.server, "--ini", "uwsgi.ini", "--max-requests", "50", "--min-worker-lifetime", "1", "--forkbomb-delay", "0"}
	case s.example == "django":
		command = []string{s.interpreter, "-m", "gunicorn", "dogwalk.wsgi", "--max-requests", "50", "--max-requests-jitter", "5"}
	default:
		command = []string{s.interpreter, "-m", "gunicorn", "app:app", "--max-requests", "50", "--max-requests-jitter", "5"}
	}
	command = append(append(command, s.more...), arguments...)
	return start(t, s.example, s.dir, append(append([]string{}, s.env...), env...), command...)
}

// run starts the program and waits until all its workers are there and answer.
func (s *setup) run(t *testing.T, env ...string) *process {
	t.Helper()
	p := s.begin(t, env)
	await.True(t, s.name+" answers", func() bool {
		if p.ended() {
			t.Fatalf("%s ends: %s", s.name, p.read(p.err))
		}
		return answers(s.base+"/health/") && len(p.workers()) == concurrency
	})
	return p
}

// visitors are those who put load on the program.
func (s *setup) visitors(t *testing.T) []visitor {
	t.Helper()
	visit := visitor(click)
	if s.example == "django" {
		visit = walk(csrf(t, s.base))
	}
	return []visitor{visit, visit, visit}
}
