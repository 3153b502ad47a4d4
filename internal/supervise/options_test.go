package supervise

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/hint"
)

func TestBadOptionsAreRefusedInTwoParts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}

	for name, test := range map[string]struct {
		change func(*Options)
		want   string // in the error
		hint   string // in the hint
	}{
		"no workers":         {func(o *Options) { o.Workers = 0 }, "clicks: 0 workers per replica", "1 or more"},
		"negative replicas":  {func(o *Options) { o.Replicas = -1 }, "-1 replicas", "0 to the maximum"},
		"above the maximum":  {func(o *Options) { o.Replicas, o.MaxReplicas = 3, 2 }, "3 replicas, maximum 2", "0 to the maximum"},
		"bad name":           {func(o *Options) { o.Name = "../clicks" }, `application name "../clicks" is not valid`, "lower-case"},
		"unknown manager":    {func(o *Options) { o.Manager = "systemd" }, `unknown worker manager "systemd"`, "program"},
		"no command":         {func(o *Options) { o.Command = nil }, "no command given", "spec.command"},
		"command not found":  {func(o *Options) { o.Command = []string{"no-such-program-here"} }, `command "no-such-program-here" is not found in PATH`, "install it"},
		"command missing":    {func(o *Options) { o.Command = []string{"./missing"} }, `command "./missing" does not exist`, "build it"},
		"not executable":     {func(o *Options) { o.Command = []string{plain} }, "may not be executed", "chmod +x"},
		"bad directory":      {func(o *Options) { o.Dir = plain }, "is not a directory", "create it"},
		"address in use":     {func(o *Options) { o.Listen = taken.Addr().String() }, "address already in use", "another port"},
		"address no port":    {func(o *Options) { o.Listen = "127.0.0.1" }, `listen address "127.0.0.1" is not valid`, "host:port"},
		"address bad port":   {func(o *Options) { o.Listen = "127.0.0.1:65536" }, `listen address "127.0.0.1:65536" is not valid`, "host:port"},
		"address not ours":   {func(o *Options) { o.Listen = "192.0.2.1:8000" }, `no address "192.0.2.1"`, "127.0.0.1"},
		"metrics port zero":  {func(o *Options) { o.Metrics = Ports{} }, "metrics port 0", "5001"},
		"metrics port range": {func(o *Options) { o.Metrics = Ports{Start: 65520} }, "need the metrics ports 65520 to 65539, beyond 65535", "start at 65516 or lower"},
		"no runtime dir":     {func(o *Options) { o.RuntimeDir = "" }, "no runtime directory", ""},
		"long runtime dir":   {func(o *Options) { o.RuntimeDir = "/tmp/" + strings.Repeat("x", 100) }, "the system allows", "shorter"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := workerOptions(t, "serve")
			test.change(&opts)
			s, err := New(opts)
			if err == nil {
				s.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("error %q, hint %q", err, hint.Of(err))
			}
		})
	}
}

func TestTheApplicationsPortWithinItsMetricsPortsIsRefused(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	for name, test := range map[string]struct {
		start   int
		refused bool
	}{
		"just below":    {port - 20, false},
		"last":          {port - 19, true},
		"first":         {port, true},
		"directly over": {port + 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			opts := workerOptions(t, "serve")
			opts.Listen, opts.Metrics = free.Addr().String(), Ports{Start: test.start}
			s, err := New(opts)
			if err == nil {
				s.Close()
			}
			if (err != nil) != test.refused || err != nil && !strings.Contains(err.Error(), "lies within its metrics ports") {
				t.Errorf("metrics ports from %d, application's port %d: %v", test.start, port, err)
			}
		})
	}
}

func TestEachReplicaHasItsOwnPortRange(t *testing.T) {
	opts := workerOptions(t, "serve")
	opts.Workers, opts.Metrics = 4, Ports{Start: 5001}
	for ordinal, want := range []string{"METRICS_START_PORT=5001", "METRICS_START_PORT=5005", "METRICS_START_PORT=5009"} {
		r := opts.newReplica(ordinal, time.Time{})
		env := strings.Join(opts.environment(nil, r, 0, "/n/1"), "\n")
		for _, entry := range []string{want, "WEB_CONCURRENCY=4", "METRICS_ADDRESS=127.0.0.1", "TRUECOUNT_REPLICA=" + r.name} {
			if !strings.Contains(env, entry) {
				t.Errorf("replica %d has no %s in\n%s", ordinal, entry, env)
			}
		}
		if strings.Contains(env, "TRUECOUNT_METRICS_DIR") {
			t.Error("a directory is told beside the ports")
		}
	}
}

func TestTheSupervisorsOwnSocketsAreNotPassedOn(t *testing.T) {
	opts := workerOptions(t, "serve")
	opts.Listen, opts.Metrics, opts.Env = "", None{}, []string{"COLOUR=blue", "WEB_CONCURRENCY=99"}
	own := []string{"LISTEN_FDS=3", "LISTEN_PID=1", "NOTIFY_SOCKET=/run/systemd/notify", "METRICS_START_PORT=1", "HOME=/root", "COLOUR=red"}
	got := opts.environment(own, opts.newReplica(0, time.Time{}), 1, "/n/1")
	want := "COLOUR=blue HOME=/root NOTIFY_SOCKET=/n/1 TRUECOUNT_REPLICA=clicks-0 TRUECOUNT_WORKER=1 WEB_CONCURRENCY=2"
	if strings.Join(got, " ") != want {
		t.Errorf("environment %q, want %q", got, want)
	}
}

func TestAServiceThatIsClosedReleasesItsPortAndItsMetrics(t *testing.T) {
	opts := workerOptions(t, "serve")
	opts.Registerer = prometheus.NewRegistry()
	first, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Listen = first.Addr().String()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Run(t.Context()); err == nil {
		t.Error("runs although it is closed")
	}
	second, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

func TestWhatAKilledSupervisorLeftInTheRuntimeDirectoryIsRemovedAndNothingElse(t *testing.T) {
	opts := workerOptions(t, "serve")
	stale := filepath.Join(opts.RuntimeDir, "clicks-7")
	kept := []string{filepath.Join(opts.RuntimeDir, "clicks-7x", "1.sock"), filepath.Join(opts.RuntimeDir, "dogwalk-0", "1.sock")}
	for _, path := range append(kept, filepath.Join(stale, "1.sock"), filepath.Join(stale, notifyDir, "1")) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
	}
	run(t, opts).untilReady(1)
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", stale, err)
	}
	for _, path := range kept {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("removed: %v", err)
		}
	}
}
