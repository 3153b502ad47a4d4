package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/truecount/truecount/instrument/internal/admission"
)

// HeaderWorker is the header of the metrics endpoint's answers that says which process answers, since when it runs
// (Unix seconds), and whether its counts are complete: "pid=123; start=1763618400.123; state=serving", or state=drained.
// Pid and start together identify a worker, as pids are used again.
const HeaderWorker = "Truecount-Worker"

// endpoint is a worker's own metrics endpoint.
type endpoint struct {
	listener net.Listener
	server   *http.Server
	path     string       // of the unix socket, "" for a port
	member   *rangeMember // nil unless the port is of a range

	serving string // the header's values
	final   string
	drained atomic.Bool
	taken   chan struct{} // closed when the last totals have been read
	once    sync.Once
}

// address is that of the port, or the path of the unix socket.
func (e *endpoint) address() string {
	if e.path != "" {
		return e.path
	}
	return e.listener.Addr().String()
}

// openEndpoint returns nil if the environment asks for none.
func (w *worker) openEndpoint(ctx context.Context, start time.Time, errorLog *log.Logger) (*endpoint, error) {
	opts, env := w.opts, w.env
	if env.metricsDir == "" && env.metricsPorts.count == 0 {
		return nil, nil
	}
	if opts.MetricsHandler == nil {
		return nil, errors.New("the environment asks for a metrics endpoint (TRUECOUNT_METRICS_DIR or METRICS_START_PORT), " +
			"but the program gives worker.Options no Metrics")
	}
	id := fmt.Sprintf("pid=%d; start=%.3f; state=", os.Getpid(), float64(start.UnixMilli())/1e3)
	e := &endpoint{serving: id + "serving", final: id + "drained", taken: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("/metrics", e.identified(opts.MetricsHandler))
	var err error
	if env.metricsDir != "" {
		e.path = filepath.Join(env.metricsDir, strconv.Itoa(os.Getpid())+".sock")
		e.listener, err = listenUnix(e.path)
	} else if e.listener, err = w.listenRange(ctx, env.metricsPorts); err == nil {
		e.member = newRangeMember(opts.Metrics, env.metricsPorts, e.listener.Addr().(*net.TCPAddr).Port, w.log)
		mux.Handle(rangePath, e.named(e.member))
	}
	if err != nil {
		return nil, err
	}
	e.server = &http.Server{
		Handler:           withoutBodies(mux),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          errorLog,
	}
	room := admission.New(metricsConnections)
	room.Bound(e.server)
	e.listener = room.Listener(e.listener)
	return e, nil
}

// listenUnix puts a listening socket at path, in place of what an earlier process of the same pid left there.
// It gets its final name only when it listens and is closed to other users: whoever sees it can use it.
func listenUnix(path string) (net.Listener, error) {
	problem := func(err error) error {
		return fmt.Errorf("can't serve metrics on the unix socket %s: %w", path, err)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, problem(errors.New("there is a file of that name that is not a socket"))
	}
	if limit := len(syscall.RawSockaddrUnix{}.Path); len(path) >= limit {
		return nil, problem(fmt.Errorf("the path has %d bytes, and the system allows %d; use a shorter TRUECOUNT_METRICS_DIR", len(path), limit-1))
	}
	name := filepath.Base(path)
	fresh := filepath.Join(filepath.Dir(path), "."+name[:len(name)-len("sock")]+"new") // as long as path
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, problem(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, problem(err)
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(fresh, 0o600); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = os.Remove(fresh)
		_ = l.Close()
		return nil, problem(err)
	}
	return l, nil
}

// identified adds the header, and notices the reading that takes the last totals: a complete one, answered in full,
// that began when all counts were complete.
func (e *endpoint) identified(metrics http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		drained := e.drained.Load()
		if !drained {
			w.Header().Set(HeaderWorker, e.serving)
			metrics.ServeHTTP(w, r)
			return
		}
		w.Header().Set(HeaderWorker, e.final)
		answer := &answer{ResponseWriter: w, status: http.StatusOK}
		metrics.ServeHTTP(answer, r)
		whole := r.Method == http.MethodGet && len(r.URL.Query()["name[]"]) == 0
		if whole && answer.status == http.StatusOK && answer.err == nil && http.NewResponseController(w).Flush() == nil {
			e.once.Do(func() { close(e.taken) })
		}
	})
}

// named adds the header alone: what next answers is no reading.
func (e *endpoint) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := e.serving
		if e.drained.Load() {
			name = e.final
		}
		w.Header().Set(HeaderWorker, name)
		next.ServeHTTP(w, r)
	})
}

// answer remembers whether a response was written.
type answer struct {
	http.ResponseWriter
	status int
	err    error
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	n, err := a.ResponseWriter.Write(b)
	if err != nil {
		a.err = err
	}
	return n, err
}

// handOver waits until the last totals were read, and reports whether they were.
func (e *endpoint) handOver(timeout time.Duration) bool {
	if e.member != nil {
		e.member.complete()
	}
	e.drained.Store(true)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-e.taken:
		return true
	case <-timer.C:
		return false
	}
}

// close ends the endpoint after the answers under way.
func (e *endpoint) close() error {
	if e.path != "" {
		_ = os.Remove(e.path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := e.server.Shutdown(ctx); err != nil {
		return e.server.Close()
	}
	return nil
}
