// Package exposition writes merged families in every format that a scraper can ask for: text 0.0.4, OpenMetrics 1.0 and
// 0.0.1, delimited protobuf, each plain or compressed with gzip, with names escaped as the scraper says.
package exposition

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// Variant is one of the few renderings that clients can negotiate.
type Variant struct {
	Format expfmt.Format // with one of four escapings of names
	Gzip   bool
}

// Page is what is exposed at one moment. Its methods may be called concurrently.
type Page interface {
	// Body is the page in a variant. It must not be changed, nor be used after Release.
	Body(Variant) ([]byte, error)
	// Release says that the caller is done with it.
	Release()
}

// openMetrics001 is what clients get that ask for OpenMetrics without a version.
const openMetrics001 = expfmt.Format(expfmt.OpenMetricsType + "; version=" + expfmt.OpenMetricsVersion_0_0_1 + "; charset=utf-8")

// formats in the order in which they are taken if the client has no preference.
var formats = []expfmt.Format{
	expfmt.NewFormat(expfmt.TypeTextPlain), expfmt.NewFormat(expfmt.TypeOpenMetrics), openMetrics001, expfmt.NewFormat(expfmt.TypeProtoDelim),
}

// Serve answers a scrape with the latest page, in the format that the client prefers and with gzip if it accepts that.
// It answers 503 with the error's text while there is no page: that a scrape failed is true, that nothing was counted may
// not be.
func Serve(w http.ResponseWriter, r *http.Request, latest func(context.Context) (Page, error)) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	v := Variant{Format: expfmt.NegotiateAccept(r.Header, formats...), Gzip: acceptsGzip(r.Header)}
	current, err := latest(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer current.Release()
	body, err := current.Body(v)
	if err != nil {
		http.Error(w, "cannot write the metrics: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", string(v.Format))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Vary", "Accept, Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if v.Gzip {
		h.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a client that left is no fault of ours
	}
}

func acceptsGzip(h http.Header) bool {
	for part := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding != "gzip" {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && weight > 0
	}
	return false
}
