package worker

import (
	"net/http"
	"syscall"
)

const (
	// mostConnections is the default of Options.MaxConnections: about 300 MB with net/http's buffers.
	mostConnections = 10_000
	// metricsConnections is far more than anybody who reads metrics opens.
	metricsConnections = 256
)

// defaultConnections leaves a quarter of the files to whatever else the application opens: databases, files, clients.
func defaultConnections() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return mostConnections
	}
	return int(min(mostConnections, max(1, uint64(files.Cur)/4*3)))
}

// withoutBodies refuses what no request for metrics has, instead of reading it.
func withoutBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			http.Error(w, "a request for metrics has no body", http.StatusRequestEntityTooLarge)
			return
		}
		next.ServeHTTP(w, r)
	})
}
