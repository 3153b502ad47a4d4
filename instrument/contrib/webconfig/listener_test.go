package webconfig_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/instrument/contrib/webconfig"
	"github.com/truecount/truecount/instrument/endpoint"
)

// run runs an endpoint as the file says until the test ends, and returns its address.
func run(t *testing.T, file string, logged *logBuffer, opts endpoint.Options) string {
	t.Helper()
	m := newMetrics(t)
	web, err := webconfig.New(webconfig.Options{File: file, Metrics: m, Logger: logged.logger()})
	if err != nil {
		t.Fatal(err)
	}
	if opts.Handler == nil {
		opts.Handler = m.Handler()
	}
	opts.Serve, opts.Logger = web.Serve, logged.logger()
	return runEndpoint(t, opts)
}

func runEndpoint(t *testing.T, opts endpoint.Options) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	opts.Addr, opts.OnReady = "127.0.0.1:0", func(addr net.Addr) { ready <- addr }
	go func() { ended <- endpoint.Run(ctx, opts) }()
	addr := (<-ready).String()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the endpoint ended with %v", err)
		}
	})
	return addr
}

// fetch asks by HTTPS on a connection of its own.
func fetch(t *testing.T, addr string, config *tls.Config, path, user, password string) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	r, err := http.NewRequest("GET", "https://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// secured writes a web configuration file beside a new certificate for the server.
func secured(t *testing.T, more string) (file string, pki *authority) {
	t.Helper()
	dir := t.TempDir()
	pki = newAuthority(t, dir)
	pki.issue("server")
	file = filepath.Join(dir, "web.yml")
	write(t, file, "tls_server_config: {cert_file: server.crt, key_file: server.key"+more+"}\n"+users(t))
	return file, pki
}

func TestAListenerOfItsOwnHasTLSPasswordsAndHTTP2(t *testing.T) {
	file, pki := secured(t, "")
	logged := &logBuffer{}
	addr := run(t, file, logged, endpoint.Options{})
	response, body, err := fetch(t, addr, pki.trust(""), "/metrics", user, password)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 200 || response.ProtoMajor != 2 || !strings.Contains(body, "\nclicks_total 0\n") {
		t.Errorf("%s %s %.100q", response.Proto, response.Status, body)
	}
	for _, path := range []string{"/metrics", "/", "/other"} {
		for _, p := range []string{"wrong", ""} {
			if response, body, err := fetch(t, addr, pki.trust(""), path, user, p); err != nil || response.StatusCode != 401 || strings.Contains(body, "metrics") {
				t.Errorf("%s with the password %q: %v %v", path, p, response, err)
			}
		}
	}
	if _, _, err := fetch(t, addr, newAuthority(t, t.TempDir()).trust(""), "/metrics", user, password); err == nil {
		t.Error("a client that does not know the authority is content")
	}
	plain, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	plain.Body.Close()
	if plain.StatusCode != 400 {
		t.Errorf("plain HTTP is answered %s", plain.Status)
	}
	noSecret(t, "the log", logged.String())
}

func TestHTTP2CanBeSwitchedOff(t *testing.T) {
	file, pki := secured(t, "")
	write(t, file, "tls_server_config: {cert_file: server.crt, key_file: server.key}\nhttp_server_config: {http2: false}\n"+users(t))
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	if response, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password); err != nil || response.ProtoMajor != 1 {
		t.Errorf("%v %v", response, err)
	}
}

func TestAListenerWithoutTLSAsksForPasswords(t *testing.T) {
	file := written(t, users(t))
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	for p, status := range map[string]int{password: 200, "wrong": 401} {
		r, err := http.NewRequest("GET", "http://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		r.SetBasicAuth(user, p)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%q: %s", p, response.Status)
		}
	}
}

func TestAFileThatIsBadFromTheStartEndsTheEndpoint(t *testing.T) {
	file, _ := secured(t, "")
	web, err := webconfig.New(webconfig.Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	for want, content := range map[string]string{"unknown setting": "x: 1\n", "asks nobody": "{}\n", "can't be used": users(t) + "tls_server_config: {cert_file: nowhere}\n"} {
		write(t, file, content)
		err := endpoint.Run(t.Context(), endpoint.Options{Addr: "127.0.0.1:0", Handler: http.NotFoundHandler(), Serve: web.Serve})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := web.Serve(&http.Server{}, nil); err == nil {
		t.Error("a server without a handler, which would serve net/http's own mux, is served")
	}
}

func TestCertificatesOfClientsAreAskedFor(t *testing.T) {
	dir := t.TempDir()
	pki := newAuthority(t, dir)
	for _, name := range []string{"server", "prometheus.example", "grafana.example"} {
		pki.issue(name)
	}
	file := filepath.Join(dir, "web.yml")
	with := func(sans string) string {
		return "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [" + sans + "]}\n"
	}
	write(t, file, with("prometheus.example"))
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	stranger := newAuthority(t, t.TempDir())
	stranger.issue("prometheus.example")
	forged := pki.trust("")
	forged.Certificates = stranger.trust("prometheus.example").Certificates

	prometheus := pki.trust("prometheus.example")
	if response, _, err := fetch(t, addr, prometheus, "/metrics", "", ""); err != nil || response.StatusCode != 200 {
		t.Errorf("the right certificate: %v %v", response, err)
	}
	for name, config := range map[string]*tls.Config{"no certificate": pki.trust(""), "another name": pki.trust("grafana.example"), "another authority": forged} {
		if response, _, err := fetch(t, addr, config, "/metrics", "", ""); err == nil {
			t.Errorf("%s: %s", name, response.Status)
		}
	}
	// prometheus kept what it needs to resume its session; the file is asked nevertheless.
	write(t, file, with("grafana.example"))
	if response, _, err := fetch(t, addr, prometheus, "/metrics", "", ""); err == nil {
		t.Errorf("a name that is no longer allowed: %s", response.Status)
	}
	write(t, file, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
	if response, _, err := fetch(t, addr, pki.trust(""), "/metrics", "", ""); err != nil || response.StatusCode != 500 {
		t.Errorf("a file that asks for nothing any more: %v %v", response, err)
	}
}

func TestE5ACertificateIsRotatedWithoutARestart(t *testing.T) {
	file, pki := secured(t, "")
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	serial := func() int64 {
		t.Helper()
		response, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password)
		if err != nil {
			t.Fatal(err)
		}
		return response.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	before := serial()
	pki.issue("server")
	if after := serial(); after == before {
		t.Error("the old certificate is still shown")
	}
	if err := writeOver(filepath.Join(pki.dir, "server.key"), "half a k"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password); err == nil {
		t.Error("a broken key serves")
	}
	pki.issue("server")
	serial()
}

func TestE5ABrokenFileEndsHandshakesUntilItIsGoodAgain(t *testing.T) {
	file, pki := secured(t, "")
	logged := &logBuffer{}
	addr := run(t, file, logged, endpoint.Options{})
	if _, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"", "x: hunter2", "tls_server_config: {cert_file: nowhere.crt, key_file: nowhere.key}\n" + users(t), users(t)} {
		write(t, file, content)
		response, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password)
		if err == nil {
			t.Errorf("%.20q: %s", content, response.Status)
		}
		var unknown x509.UnknownAuthorityError
		if errors.As(err, &unknown) {
			t.Errorf("%.20q: another certificate is shown: %v", content, err)
		}
	}
	write(t, file, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"+users(t))
	if response, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password); err != nil || response.StatusCode != 200 {
		t.Errorf("good again: %v %v", response, err)
	}
	noSecret(t, "the log", logged.String())
}

// Prometheus keeps its connection: a file that breaks meanwhile lets it in no more either.
func TestE5AConnectionOfBeforeIsJudgedByTheFileAsItIs(t *testing.T) {
	file, pki := secured(t, "")
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	transport := &http.Transport{TLSClientConfig: pki.trust(""), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	get := func() int {
		t.Helper()
		r, err := http.NewRequest("GET", "https://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(user, password)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		return response.StatusCode
	}
	if status := get(); status != 200 {
		t.Fatal(status)
	}
	for content, want := range map[string]int{"x: 1\n": 500, "": 500} {
		write(t, file, content)
		if status := get(); status != want {
			t.Errorf("%q: %d, want %d", content, status, want)
		}
	}
}

func basic(user, password string) string {
	var r http.Request
	r.Header = http.Header{}
	r.SetBasicAuth(user, password)
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}

// fetchWith asks as the scraper, which the test's handler knows by a header.
func fetchWith(t *testing.T, addr string, config *tls.Config) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest("GET", "https://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	r.Header.Set("X-Scraper", "yes")
	response, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(r)
	if err != nil {
		return nil, "", err
	}
	return response, "", response.Body.Close()
}
