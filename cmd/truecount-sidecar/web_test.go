package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

func threeClicks(w *pydirtest.Worker) { w.Counter("clicks", "Clicks.").Add(3) }

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// users is the part of a web configuration file that asks for the password of prometheus.
func users(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return "basic_auth_users: {prometheus: " + string(hash) + "}\n"
}

// certificate writes web.crt and web.key, and returns what trusts them.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "web.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, filepath.Join(dir, "web.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool := x509.NewCertPool()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(cert)
	return pool
}

func TestTheWebConfigurationFileAsksForAPasswordWhichCanBeChanged(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "web.yml"), users(t, "first"))
	s := start(t, "--python-dir", directory(t, threeClicks), "--web-config", file)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/metrics", "/-/healthy", "/"} {
		if status, body := get(t, client, strings.TrimSuffix(s.url, "/metrics")+path, "", ""); status != http.StatusUnauthorized {
			t.Errorf("%s answers %d without a password: %s", path, status, body)
		}
	}
	if status, body := get(t, client, s.url, "prometheus", "first"); status != http.StatusOK || !strings.Contains(body, "\nclicks_total 3\n") {
		t.Errorf("with the password it answers %d: %s", status, body)
	}
	if status, _ := get(t, client, strings.TrimSuffix(s.url, "/metrics")+"/-/healthy", "prometheus", "first"); status != http.StatusOK {
		t.Errorf("with the password a probe gets %d", status)
	}
	write(t, file, users(t, "second"))
	if status, _ := get(t, client, s.url, "prometheus", "first"); status != http.StatusUnauthorized {
		t.Errorf("with the former password it answers %d", status)
	}
	if status, _ := get(t, client, s.url, "prometheus", "second"); status != http.StatusOK {
		t.Errorf("with the new password it answers %d", status)
	}
	if strings.Contains(s.log.String(), "served to everyone") {
		t.Error("it warns of an open door")
	}
}

func TestTheWebConfigurationFileGivesTLS(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	file := write(t, filepath.Join(dir, "web.yml"), "tls_server_config: {cert_file: web.crt, key_file: web.key}\n"+users(t, "secret"))
	s := start(t, "--python-dir", directory(t, threeClicks), "--web-config", file)
	if !strings.HasPrefix(s.url, "https://") {
		t.Fatalf("it is ready at %s", s.url)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	status, body := get(t, &http.Client{Transport: transport}, s.url, "prometheus", "secret")
	if status != http.StatusOK || !strings.Contains(body, "\nclicks_total 3\n") {
		t.Errorf("it answers %d: %s", status, body)
	}
	if status, _ := get(t, &http.Client{}, strings.Replace(s.url, "https:", "http:", 1), "prometheus", "secret"); status != http.StatusBadRequest {
		t.Errorf("without TLS it answers %d", status)
	}
}

func TestAWebConfigurationFileThatAsksNobodyIsRefusedUnlessItIsMeant(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir)
	counts := directory(t, threeClicks)
	onlyTLS := write(t, filepath.Join(dir, "tls.yml"), "tls_server_config: {cert_file: web.crt, key_file: web.key}\n")
	for _, args := range [][]string{
		{"--web-config", onlyTLS},
		{"--web-config", write(t, filepath.Join(dir, "empty.yml"), "")},
		{"--web-config", write(t, filepath.Join(dir, "wrong.yml"), "basic_auth: {}\n")},
		{"--web-config", filepath.Join(dir, "none.yml")},
		{"--allow-anonymous"},
	} {
		command := newCommand()
		command.SetArgs(append(args, "--python-dir", counts, "--listen", "127.0.0.1:0"))
		if err := command.ExecuteContext(t.Context()); err == nil || hint.Of(err) == "" {
			t.Errorf("%v: %v, hint %q", args, err, hint.Of(err))
		}
	}
	if s := start(t, "--web-config", onlyTLS, "--allow-anonymous", "--python-dir", counts); !strings.HasPrefix(s.url, "https://") {
		t.Errorf("it is ready at %s", s.url)
	}
}
