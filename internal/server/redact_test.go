package server

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

func TestP8PasswordsInAddressesAreNotLogged(t *testing.T) {
	u, _ := url.Parse("http://me:canary@host/path")
	var out strings.Builder
	log := slog.New(redacting{slog.NewTextHandler(&out, nil)}).With("with", u.String()).WithGroup("g")
	log.Info("to https://me:canary@host and http://:canary@x", "url", u.String(), "any", u, "err", errors.New("Post http://me:canary@h: refused"),
		slog.Group("group", "url", u.String()), "plain", "http://host:80/a@b", "n", 1)
	got := out.String()
	if strings.Contains(got, "canary") {
		t.Error(got)
	}
	for _, kept := range []string{"http://me:<secret>@host/path", "g.plain=http://host:80/a@b", "g.n=1"} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is missing in %s", kept, got)
		}
	}
}
