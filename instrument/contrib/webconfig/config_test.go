package webconfig_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/instrument/contrib/webconfig"
)

func TestAConfigurationTellsWhetherItHasTLSAndAsksEveryone(t *testing.T) {
	const (
		users = "basic_auth_users: {prometheus: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n"
		pair  = "tls_server_config: {cert_file: web.crt, key_file: web.key"
	)
	dir := t.TempDir()
	a := newAuthority(t, dir)
	a.issue("web")
	file := filepath.Join(dir, "web.yml")
	for _, tt := range []struct {
		name, text          string
		anonymous, tls, all bool
	}{
		{"a password", users, false, false, true},
		{"TLS alone", pair + "}\n", false, true, false},
		{"TLS and a password", pair + "}\n" + users, false, true, true},
		{"certificates of clients", pair + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}\n", false, true, true},
		{"nothing", "", false, false, false},
		{"nothing, as it is meant", "", true, false, true},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := webconfig.New(webconfig.Options{File: file, AllowAnonymous: tt.anonymous})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if c.TLS() != tt.tls || c.Authenticates() != tt.all {
			t.Errorf("%s: TLS %v, asks everyone %v", tt.name, c.TLS(), c.Authenticates())
		}
	}
}
