package main

import (
	"log/slog"
	"net"

	"github.com/spf13/pflag"

	"github.com/truecount/truecount/instrument/contrib/webconfig"
	"github.com/truecount/truecount/internal/hint"
)

// webFlags say who may read the totals.
type webFlags struct {
	file           string
	allowAnonymous bool
}

func (f *webFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.file, "web-config", "", "`FILE` with passwords and TLS, as Prometheus and its exporters take it (web configuration file)")
	set.BoolVar(&f.allowAnonymous, "allow-anonymous", false, "with --web-config: allow a file that asks nobody for a password or a certificate, as one with TLS alone")
}

// config reads the file; it is nil if there is none.
func (f *webFlags) config(logger *slog.Logger) (*webconfig.Config, error) {
	if f.file == "" {
		if f.allowAnonymous {
			return nil, hint.Errorf("leave it out", "--allow-anonymous is for the file of --web-config, which is not given")
		}
		return nil, nil
	}
	c, err := webconfig.New(webconfig.Options{File: f.file, AllowAnonymous: f.allowAnonymous, Logger: logger})
	if err != nil {
		return nil, hint.Errorf("https://prometheus.io/docs/prometheus/latest/configuration/https/ has its fields", "--web-config: %w", err)
	}
	if !c.Authenticates() {
		return nil, hint.Errorf("give it basic_auth_users; with --allow-anonymous it is taken as it is", "--web-config: %s asks nobody for a password or a certificate", f.file)
	}
	return c, nil
}

// warnOfOpenDoor says that the totals are readable from other machines without a password.
func warnOfOpenDoor(logger *slog.Logger, addr net.Addr) {
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		logger.Warn("the totals are served to everyone who can connect", "address", addr.String(),
			"hint", "--listen 127.0.0.1:9300, or --web-config FILE for passwords and TLS")
	}
}
