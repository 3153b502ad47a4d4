package promapi_test

import (
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/truecount/truecount/internal/promapi"
)

// packed sends what a handler says a hundred times smaller.
func packed(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		out := gzip.NewWriter(w)
		handler(packing{w, out}, r)
		out.Close()
	}
}

type packing struct {
	http.ResponseWriter
	out *gzip.Writer
}

func (p packing) Write(b []byte) (int, error) { return p.out.Write(b) }

func benchmark(b *testing.B, handler http.HandlerFunc) *promapi.Client {
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	client, err := promapi.New(promapi.Options{URL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return client
}

func asError(err error, e **promapi.Error) bool { return errors.As(err, e) }
