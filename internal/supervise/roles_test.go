package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What the roles are told, besides the contract's variables.
const (
	totalsDir = "TEST_TOTALS" // where serve writes its total when it ends
	pidsDir   = "TEST_PIDS"   // where parent notes its own process id and its child's
	gate      = "TEST_GATE"   // a file: gated does not end before it exists
	settings  = "TEST_SETTINGS"
)

// notify sends one message as sd_notify(3) does.
func notify(message string) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(message))
	return err
}

// inherited returns the socket that was handed over, and insists on the convention as other programs do.
func inherited() (net.Listener, error) {
	for key, want := range map[string]string{"LISTEN_FDS": "1", "LISTEN_PID": strconv.Itoa(os.Getpid()), "LISTEN_FDNAMES": "http"} {
		if got := os.Getenv(key); got != want {
			return nil, fmt.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, 3, syscall.F_GETFL, 0)
	if errno != 0 || flags&syscall.O_NONBLOCK == 0 {
		return nil, fmt.Errorf("descriptor 3: flags %#x, error %d, want a non-blocking socket", flags, errno)
	}
	return net.FileListener(os.NewFile(3, "http"))
}

func terminated() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	return c
}

// countedListener counts the connections that were taken from the queue and not yet finished.
type countedListener struct {
	net.Listener
	open sync.WaitGroup
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.open.Add(1)
	}
	return c, err
}

// runServingWorker serves one request per connection, and drains without dropping any: it stops accepting, waits for
// the accept loop to end, and then for every connection it took.
func runServingWorker() error {
	term := terminated()
	l, err := inherited()
	if err != nil {
		return err
	}
	counted := &countedListener{Listener: l}
	var total atomic.Int64
	server := &http.Server{Handler: servingHandler(&total), ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			counted.open.Done()
		}
	}}
	server.SetKeepAlivesEnabled(false)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(counted) }()
	if err := listenOnMetricsSocket(); err != nil {
		return err
	}
	if err := notify("READY=1\nSTATUS=serves"); err != nil {
		return err
	}
	<-term
	notify("STOPPING=1")
	l.Close()
	<-ended
	counted.open.Wait()
	os.Remove(metricsSocket(os.Getenv("TRUECOUNT_METRICS_DIR"), os.Getpid()))
	name := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	return os.WriteFile(filepath.Join(os.Getenv(totalsDir), name), []byte(strconv.FormatInt(total.Load(), 10)), 0o600)
}

func servingHandler(total *atomic.Int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /count", func(http.ResponseWriter, *http.Request) { total.Add(1) })
	mux.HandleFunc("GET /pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })
	mux.HandleFunc("GET /environment", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Join(os.Environ(), "\n")) })
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush() // the client knows that it has begun
		<-time.After(time.Second)
		fmt.Fprint(w, "done")
	})
	return mux
}

// listenOnMetricsSocket leaves a socket file behind if the worker is killed, as a real worker does.
func listenOnMetricsSocket() error {
	dir := os.Getenv("TRUECOUNT_METRICS_DIR")
	if dir == "" {
		return nil
	}
	_, err := net.Listen("unix", metricsSocket(dir, os.Getpid()))
	return err
}

// runFailingWorker dies before it is ready.
func runFailingWorker() error { return errors.New("cannot reach the database") }

// runMuteWorker never notifies.
func runMuteWorker() error {
	<-terminated()
	return nil
}

// runGatedWorker takes its time to end.
func runGatedWorker() error {
	term := terminated()
	if err := notify("READY=1"); err != nil {
		return err
	}
	<-term
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := os.Stat(os.Getenv(gate)); err == nil {
			return nil
		}
	}
	return nil
}

// runStubbornWorker does not end when it is asked to.
func runStubbornWorker() error {
	signal.Ignore(syscall.SIGTERM)
	if err := notify("READY=1"); err != nil {
		return err
	}
	select {}
}

// runParentWorker has a child, as a program that forks its own workers has, which does not hear SIGTERM.
func runParentWorker() error {
	child := exec.Command("/bin/sh", "-c", "trap '' TERM; sleep 1000")
	if err := child.Start(); err != nil {
		return err
	}
	for _, pid := range []int{os.Getpid(), child.Process.Pid} {
		if err := os.WriteFile(filepath.Join(os.Getenv(pidsDir), strconv.Itoa(pid)), nil, 0o600); err != nil {
			return err
		}
	}
	term := terminated()
	if err := notify("READY=1"); err != nil {
		return err
	}
	<-term
	return nil
}

// runChatteringWorker writes more than anybody reads, then says so by becoming ready.
func runChatteringWorker() error {
	term := terminated()
	line := strings.Repeat("x", 1000)
	for range 20_000 {
		fmt.Println(line)
	}
	fmt.Println(strings.Repeat("y", 10*maxLine))
	if err := notify("READY=1"); err != nil {
		return err
	}
	<-term
	return nil
}

// supervisorSettings are Options as far as a supervisor in another process is told them.
type supervisorSettings struct {
	Command    []string
	Env        []string
	Listen     string
	RuntimeDir string
	Replicas   int
	Workers    int
}

// runSupervisor is what truecount does: it runs a service until the terminal interrupts it.
func runSupervisor() error {
	var o supervisorSettings
	if err := json.Unmarshal([]byte(os.Getenv(settings)), &o); err != nil {
		return err
	}
	s, err := New(Options{
		Name: "clicks", Command: o.Command, Env: o.Env, Listen: o.Listen, RuntimeDir: o.RuntimeDir,
		Replicas: o.Replicas, Workers: o.Workers, Output: os.Stdout,
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
	defer stop()
	fmt.Println("address", s.Addr())
	return s.Run(ctx)
}
