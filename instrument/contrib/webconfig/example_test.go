package webconfig_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/webconfig"
)

// The metrics of a service behind a password, on the service's own port.
func Example() {
	dir, err := os.MkdirTemp("", "webconfig")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "web.yml")
	// The password is "an example"; htpasswd -nBC 10 "" | tr -d ':' makes such a line of one's own.
	err = os.WriteFile(file, []byte("basic_auth_users:\n  prometheus: $2a$04$Uolr4OtsKvGjvvzLGO60huvudzsIyG1x.MvIP0tov4G2tgRgRYpn6\n"), 0o600)
	if err != nil {
		fmt.Println(err)
		return
	}

	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	web, err := webconfig.New(webconfig.Options{File: file, Metrics: m})
	if err != nil {
		fmt.Println(err)
		return
	}
	metrics, err := web.Handler(m.Handler())
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)

	for _, password := range []string{"", "a guess", "an example"} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		if password != "" {
			r.SetBasicAuth("prometheus", password)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Printf("%q: %d\n", password, w.Code)
	}
	// Output:
	// "": 401
	// "a guess": 401
	// "an example": 200
}
