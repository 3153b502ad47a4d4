package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// CheckHost passes on requests whose Host header is an IP address, localhost or one of hosts (names without ports; "*"
// allows all), and answers 421 to others. A page of a foreign site can make its own name resolve to 127.0.0.1 and then
// counts as the same origin; but it cannot send another Host than its name.
func CheckHost(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowedHost(r.Host, hosts) {
			w.Header().Set("X-Content-Type-Options", "nosniff")
			writeError(w, http.StatusMisdirectedRequest, "this address is not served under the requested host name",
				"use the IP address or localhost, or allow the name when starting truecount")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func allowedHost(hostport string, hosts []string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	return slices.ContainsFunc(hosts, func(h string) bool { return h == "*" || host != "" && strings.EqualFold(h, host) })
}

// secured sets the headers of all answers. Pages add their Content-Security-Policy; what is not a page may do nothing.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
