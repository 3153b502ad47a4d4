package servicewindow_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/database/databasetest"
)

var serving = regexp.MustCompile(`msg=serving .*?address=(\S+)`)

// program is servicewindow as a process of its own.
type program struct {
	*exec.Cmd
	t    *testing.T
	said *lockedBuffer
	url  string
}

func startProgram(t *testing.T, env ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(os.Args[0]), t: t, said: new(lockedBuffer)}
	p.Env = append(os.Environ(), append([]string{asProgram + "=1", "PORT=0", "LOG_LEVEL=info"}, env...)...)
	p.Stderr = p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	p.eventually("it serves", func() bool { return serving.MatchString(p.said.String()) })
	p.url = "http://" + serving.FindStringSubmatch(p.said.String())[1]
	return p
}

func (p *program) eventually(what string, holds func() bool) {
	p.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("not seen: %s\n%s", what, p.said)
		}
	}
}

func (p *program) get(path string) string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	answer, err := client.Get(p.url + path)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}

func TestARowThatAnotherProcessInsertsIsInTheScrapeOfARunningService(t *testing.T) {
	each(t, func(t *testing.T, address database.Address) {
		env := []string{"DATABASE_URL=" + strings.TrimPrefix(address.String(), "sqlite file ")}
		if address.Vendor() == "postgresql" {
			env = environment(t, address)
		}
		one, two := startProgram(t, env...), startProgram(t, env...) // two replicas over one table
		for _, p := range []*program{one, two} {
			p.eventually("the windows", func() bool { return strings.Contains(p.get("/metrics"), "checkout_service_window_in_window") })
		}
		s := site{t: t, database: address}
		s.exec(insert, "from-elsewhere", `{"team":"web"}`, "mon", "09:00", 60, "UTC")
		for _, p := range []*program{one, two} {
			if text := p.get("/metrics"); !strings.Contains(text, `from_elsewhere_service_window_in_window{team="web"}`) {
				t.Errorf("the next scrape has:\n%s", windows(text))
			}
		}
		one.Process.Signal(syscall.SIGTERM)
		if err := one.Wait(); err != nil {
			t.Errorf("ended with %v:\n%s", err, one.said)
		}
	})
}

// environment is what a program needs to reach the cluster that the test started last.
func environment(t *testing.T, address database.Address) []string {
	t.Helper()
	found := regexp.MustCompile(`^postgres database (\S+) at (\S+) port (\S+)$`).FindStringSubmatch(address.String())
	if found == nil {
		t.Fatalf("not the address of a cluster: %s", address)
	}
	return []string{"DB_NAME=" + found[1], "DB_HOST=" + found[2], "DB_PORT=" + found[3],
		"DB_USER=" + databasetest.User, "DB_PASSWORD=" + databasetest.Password}
}

func TestADatabaseThatWillNeverAnswerEndsTheProgramWithoutThePassword(t *testing.T) {
	parts := databasetest.Start(t).NewDatabase(t)
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("buy milk\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"a wrong password":         {[]string{"DB_NAME=" + parts.Name, "DB_USER=" + parts.User, "DB_PASSWORD=wr0ng", "DB_HOST=" + parts.Host, "DB_PORT=" + parts.Port}, "password authentication failed"},
		"a file that is none":      {[]string{"DATABASE_URL=" + text}, "not a database"},
		"a folder that is missing": {[]string{"DATABASE_URL=" + filepath.Join(t.TempDir(), "no", "d.db")}, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			program := exec.CommandContext(ctx, os.Args[0])
			program.Env = append(os.Environ(), append(c.env, asProgram+"=1", "PORT=0")...)
			out, err := program.CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "servicewindow: ") || !strings.Contains(string(out), c.want) || strings.Contains(string(out), "wr0ng") {
				t.Errorf("%v, want %q: %s", err, c.want, out)
			}
		})
	}
}

func TestAServiceWithoutItsDatabaseEndsWhenItIsTold(t *testing.T) {
	p := startProgram(t, "DB_NAME=shop", "DB_USER=u", "DB_PASSWORD=s3cr3t", "DB_HOST="+t.TempDir())
	if body := p.get("/"); !strings.Contains(body, "Not ready yet") {
		t.Errorf("the page says %s", body)
	}
	p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil || strings.Contains(p.said.String(), "s3cr3t") {
		t.Errorf("ended with %v:\n%s", err, p.said)
	}
}
