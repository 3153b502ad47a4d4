package webconfig

import (
	"crypto/tls"
	"net/http"
)

// hasTLS reports whether exporter-toolkit has given the server TLS. An empty configuration is net/http's own doing.
func hasTLS(server *http.Server) bool {
	return server.TLSConfig != nil && server.TLSConfig.GetConfigForClient != nil
}

// withoutResumption makes every connection show its certificate. A resumed session is not asked whether the
// certificate's names are still among those that the file allows.
func withoutResumption(config *tls.Config) {
	config.SessionTicketsDisabled = true
	reread := config.GetConfigForClient
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		fresh, err := reread(hello)
		if err != nil {
			return nil, err
		}
		fresh.SessionTicketsDisabled = true
		return fresh, nil
	}
}
