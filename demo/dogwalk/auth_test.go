package dogwalk_test

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/truecount/truecount/demo/dogwalk"
)

const password = "f0r-the-metrics-0nly"

// webConfig writes a web configuration file with one user, prometheus.
func webConfig(t *testing.T, more string) (path string) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "web.yml")
	writeFile(t, path, "basic_auth_users:\n  prometheus: "+string(hash)+"\n"+more)
	return path
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestA8TheMetricsAskForThePasswordAndNothingElseDoes(t *testing.T) {
	var log bytes.Buffer
	file := webConfig(t, "")
	s := newSite(t, sqliteFile(t), logged(&log), func(o *dogwalk.Options) { o.MetricsWebConfig = file })
	ask := func(path, user, password string) *httptest.ResponseRecorder {
		request := httptest.NewRequest("GET", path, nil)
		if user != "" {
			request.SetBasicAuth(user, password)
		}
		answer := httptest.NewRecorder()
		s.handler.ServeHTTP(answer, request)
		return answer
	}
	for _, c := range []struct {
		name, path, user, password string
		status                     int
		body                       string
	}{
		{"nobody", "/metrics", "", "", 401, "Unauthorized"},
		{"a guess", "/metrics", "prometheus", "guess", 401, "Unauthorized"},
		{"another user", "/metrics", "grafana", password, 401, "Unauthorized"},
		{"who knows it", "/metrics", "prometheus", password, 200, "\nwalks_started_total 0\n"},
		{"a probe", "/health/", "", "", 200, "ok"},
		{"a visitor", "/", "", "", 200, "Nobody is out"},
	} {
		answer := ask(c.path, c.user, c.password)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s: got %d, want %d with %q: %s", c.name, answer.Code, c.status, c.body, answer.Body)
		}
	}
	if got := s.value("instrument_web_config_requests_total", "outcome", "unauthorized"); got != 3 {
		t.Errorf("%v requests are counted as unauthorized, want 3", got)
	}
	writeFile(t, file, "basic_auth_users: [nonsense\n")
	if answer := ask("/metrics", "prometheus", password); answer.Code != 500 || strings.Contains(answer.Body.String(), "walks_") {
		t.Errorf("with a broken file: status %d, want 500 and no metrics: %s", answer.Code, answer.Body)
	}
	if strings.Contains(log.String(), password) || strings.Contains(log.String(), "$2a$") {
		t.Errorf("the log has the password or its hash:\n%s", log.String())
	}
}

func TestAWebConfigurationFileThatProtectsNothingIsRefusedAtTheStart(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"empty.yml":  "",
		"broken.yml": "basic_auth_users: [nonsense\n",
		"tls.yml":    "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n",
		"absent.yml": "-",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(folder, name)
			if text != "-" {
				writeFile(t, file, text)
			}
			_, err := dogwalk.New(t.Context(), dogwalk.Options{Database: sqliteFile(t), MetricsWebConfig: file})
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("err = %v, want it to name the file", err)
			}
		})
	}
}

func TestA8WorkersOnAPortRangeAskForThePasswordAndOnUnixSocketsTheyDoNot(t *testing.T) {
	file := webConfig(t, "")
	get := func(endpoint string, client *http.Client, auth bool) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+endpoint+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if auth {
			request.SetBasicAuth("prometheus", password)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	env := []string{"METRICS_WEB_CONFIG=" + file, "DATABASE_URL=" + filepath.Join(t.TempDir(), "d.db")}

	_, endpoints, said, stop := startWorkers(t, append(env, "TRUECOUNT_METRICS_DIR=", "METRICS_START_PORT="+strconv.Itoa(freeRange(t, 4)))...)
	for _, endpoint := range endpoints {
		if open, known := get(endpoint, client, false), get(endpoint, client, true); open != 401 || known != 200 {
			t.Errorf("%s: %d without and %d with the password, want 401 and 200", endpoint, open, known)
		}
	}
	stop()
	if strings.Contains(said.text(), password) {
		t.Errorf("it said the password:\n%s", said.text())
	}

	_, endpoints, _, _ = startWorkers(t, env...)
	for _, endpoint := range endpoints {
		if open := get("worker", overSocket(strings.TrimPrefix(endpoint, "unix:")), false); open != 200 {
			t.Errorf("%s: %d without a password, want 200", endpoint, open)
		}
	}
}

// freeRange finds so many free ports in a row.
func freeRange(t *testing.T, count int) (start int) {
	t.Helper()
	for range 50 {
		var held []net.Listener
		for i := range count {
			port := 0
			if i > 0 {
				port = start + i
			}
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				break
			}
			held = append(held, l)
			if i == 0 {
				start = l.Addr().(*net.TCPAddr).Port
			}
		}
		for _, l := range held {
			l.Close()
		}
		if len(held) == count {
			return start
		}
	}
	t.Fatalf("no %d free ports in a row", count)
	return 0
}
