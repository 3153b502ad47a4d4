package main

import (
	"net/http"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"
)

// withoutRedirects makes an error of every redirect. Nothing here sends one; if a library ever does, it must not be able to
// lead the API server, which speaks to us with its own credentials, elsewhere (CVE-2022-3172).
func withoutRedirects(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		next.ServeHTTP(responsewriter.WrapForHTTP1Or2(&noRedirect{ResponseWriter: w}), req)
	})
}

type noRedirect struct {
	http.ResponseWriter
	refused bool
}

// Unwrap is for [responsewriter.UserProvidedDecorator].
func (w *noRedirect) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *noRedirect) WriteHeader(code int) {
	if code >= 300 && code < 400 && code != http.StatusNotModified {
		w.refused = true
		w.Header().Del("Location")
		w.Header().Del("Content-Length")
		code = http.StatusInternalServerError
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements [http.ResponseWriter].
func (w *noRedirect) Write(data []byte) (int, error) {
	if w.refused {
		return len(data), nil // the text of a redirect has its address
	}
	return w.ResponseWriter.Write(data)
}
