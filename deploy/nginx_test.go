package deploy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/test/tool"
)

// generated runs a script that prints a Secret, twice, and returns it.
func generated(t *testing.T, script string) corev1.Secret {
	t.Helper()
	tool.Need(t, "openssl")
	var secrets [2]corev1.Secret
	for i := range secrets {
		out, err := exec.CommandContext(t.Context(), "sh", script).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if err := yaml.UnmarshalStrict(out, &secrets[i]); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	for key, value := range secrets[0].Data {
		if strings.Contains(strings.ToLower(key), "password") && string(value) == string(secrets[1].Data[key]) {
			t.Errorf("%s gives the same %s each time", script, key)
		}
	}
	return secrets[0]
}

func TestTheDatabasesSecretHasWhatBothSidesRead(t *testing.T) {
	secret := generated(t, "dogwalk/kubernetes/database.sh")
	if secret.Name != "dogwalk-database" || secret.Namespace != "default" || len(secret.StringData["DB_PASSWORD"]) < 32 ||
		secret.StringData["DB_HOST"] != "postgres" || secret.StringData["DB_NAME"] == "" || secret.StringData["DB_USER"] == "" {
		t.Errorf("got %s/%s with the keys of %d values", secret.Namespace, secret.Name, len(secret.StringData))
	}
}

func TestNoPasswordIsCommitted(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".go") {
			return err
		}
		text := string(read(t, path))
		for _, mark := range []string{"$apr1$", "$2y$", "$6$", "PRIVATE KEY"} {
			if strings.Contains(text, mark) {
				t.Errorf("%s has %s in it", path, mark)
			}
		}
		if strings.Contains(filepath.Base(path), "htpasswd") {
			t.Errorf("%s is a password file", path)
		}
		if strings.Contains(text, "kind: Secret") && !strings.HasSuffix(path, ".sh") {
			t.Errorf("%s is a Secret with its values", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNginxAsksForThePasswordOfTheMetricsAndNotOfThePages runs the very configuration, on other ports, with the very htpasswd
// that the script makes, in front of an application that says what it was asked.
func TestNginxAsksForThePasswordOfTheMetricsAndNotOfThePages(t *testing.T) {
	nginx := tool.Need(t, "nginx")
	secret := generated(t, "dogwalk/kubernetes-nginx/basic-auth.sh")
	user, password := string(secret.Data["username"]), string(secret.Data["password"])
	app := echo(t, "pages")
	workers := []string{echo(t, "worker 1"), echo(t, "worker 2"), echo(t, "worker 3"), echo(t, "worker 4"), echo(t, "worker 5")}
	pages, first := freePorts(t)

	dir := t.TempDir()
	conf := nginxConf(t)
	replace := func(old, new string) {
		t.Helper()
		if !strings.Contains(conf, old) {
			t.Fatalf("nginx.conf has no %q", old)
		}
		conf = strings.ReplaceAll(conf, old, new)
	}
	for i, w := range workers {
		replace(fmt.Sprintf("%d %d;", 5001+i, 5101+i), fmt.Sprintf("%d %s;", first+i, w))
	}
	replace("127.0.0.1:8101", "127.0.0.1:"+app)
	replace("listen 8001;", fmt.Sprintf("listen 127.0.0.1:%d;", pages))
	replace("listen 5001-5005;", fmt.Sprintf("listen 127.0.0.1:%d-%d;", first, first+4))
	replace(" /tmp/", " "+dir+"/")
	replace("/etc/nginx/basic-auth/htpasswd", filepath.Join(dir, "htpasswd"))
	if os.Geteuid() == 0 {
		conf = "user root;\n" + conf // or its workers could not read this test's folder
	}
	write(t, filepath.Join(dir, "htpasswd"), secret.Data["htpasswd"])
	write(t, filepath.Join(dir, "nginx.conf"), []byte(conf))
	run(t, nginx, dir, pages)

	get := func(port int, path string, auth bool) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "walks.example.com"
		if auth {
			req.SetBasicAuth(user, password)
		}
		return do(t, req)
	}
	for _, test := range []struct {
		name   string
		port   int
		path   string
		auth   bool
		status int
		body   string
	}{
		{"a page", pages, "/walks/start", false, 200, "pages GET /walks/start host=walks.example.com for=127.0.0.1 proto=http authorization=false"},
		{"the metrics on the pages' port", pages, "/metrics", true, 404, ""},
		{"the metrics without a password", first, "/metrics", false, 401, ""},
		{"the metrics with it", first, "/metrics", true, 200, "worker 1 GET /metrics"},
		{"the last worker's", first + 4, "/metrics", true, 200, "worker 5 GET /metrics"},
		{"something else on a worker's port", first, "/", true, 404, ""},
	} {
		status, body := get(test.port, test.path, test.auth)
		if status != test.status || !strings.HasPrefix(body, test.body) {
			t.Errorf("%s: got %d %q, want %d %q", test.name, status, body, test.status, test.body)
		}
		if strings.Contains(body, "authorization=true") {
			t.Errorf("%s: the password was passed on", test.name)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/walks/start", pages), strings.NewReader(strings.Repeat("x", 2<<20)))
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := do(t, req); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 2 MiB is answered by %d", status)
	}
}

// nginxConf returns nginx.conf as the ConfigMap has it.
func nginxConf(t *testing.T) string {
	t.Helper()
	for _, v := range variants(t) {
		for _, c := range v.configMaps {
			if text, ok := c.Data["nginx.conf"]; ok && c.Name == "dogwalk-nginx" {
				return text
			}
		}
	}
	t.Fatal("no nginx.conf")
	return ""
}

// echo serves, until the test ends, what it was asked; it returns its port.
func echo(t *testing.T, name string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s host=%s for=%s proto=%s authorization=%v", name, r.Method, r.URL.Path, r.Host,
			r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("Authorization") != "")
	}))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// freePorts returns a free port, and the first of five free ones in a row.
func freePorts(t *testing.T) (one, five int) {
	t.Helper()
	free := func(port int) (int, bool) {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return 0, false
		}
		defer l.Close()
		return l.Addr().(*net.TCPAddr).Port, true
	}
	for range 50 {
		one, _ = free(0)
		five, _ = free(0)
		ok := five+4 <= 65535
		for i := range 5 {
			if ok {
				_, ok = free(five + i)
			}
		}
		if ok && (one < five || one > five+4) {
			return one, five
		}
	}
	t.Fatal("no free ports")
	return 0, 0
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// run checks the configuration and runs nginx until the test ends; it returns when the port answers.
func run(t *testing.T, nginx, dir string, port int) {
	t.Helper()
	conf := filepath.Join(dir, "nginx.conf")
	if out, err := exec.CommandContext(t.Context(), nginx, "-t", "-e", "stderr", "-c", conf).CombinedOutput(); err != nil {
		t.Fatalf("nginx refuses the configuration: %v\n%s", err, out)
	}
	var output strings.Builder
	cmd := exec.Command(nginx, "-e", "stderr", "-c", conf, "-g", "daemon off;")
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("nginx did not end")
		}
		if t.Failed() {
			t.Log(output.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("nginx does not answer")
		}
	}
}

// do sends a request and returns status and body.
func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
