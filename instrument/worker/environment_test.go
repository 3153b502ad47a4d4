package worker

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestTheEnvironmentIsRead(t *testing.T) {
	const pid = 42
	for _, tt := range []struct {
		name string
		env  map[string]string
		want environment
	}{
		{"nothing set", nil, environment{}},
		{"one socket", map[string]string{"LISTEN_FDS": "1", "LISTEN_PID": "42"}, environment{listenFD: 3, handedOver: 1}},
		{"the socket named http of three", map[string]string{"LISTEN_FDS": "3", "LISTEN_PID": "42", "LISTEN_FDNAMES": "admin:http:x"},
			environment{listenFD: 4, handedOver: 3}},
		{"sockets of another process", map[string]string{"LISTEN_FDS": "1", "LISTEN_PID": "41"}, environment{}},
		{"sockets of nobody", map[string]string{"LISTEN_FDS": "1"}, environment{}},
		{"no sockets", map[string]string{"LISTEN_FDS": "0", "LISTEN_PID": "42"}, environment{}},
		{"notify path", map[string]string{"NOTIFY_SOCKET": "/run/n"}, environment{notifySocket: "/run/n"}},
		{"notify abstract", map[string]string{"NOTIFY_SOCKET": "@n"}, environment{notifySocket: "@n"}},
		{"directory before range", map[string]string{"TRUECOUNT_METRICS_DIR": "/run/m", "METRICS_START_PORT": "5001"},
			environment{metricsDir: "/run/m"}},
		{"range", map[string]string{"METRICS_START_PORT": "5001", "WEB_CONCURRENCY": "5"},
			environment{metricsPorts: portRange{"127.0.0.1", 5001, 5}}},
		{"range of one", map[string]string{"METRICS_START_PORT": "5001", "METRICS_ADDRESS": "0.0.0.0"},
			environment{metricsPorts: portRange{"0.0.0.0", 5001, 1}}},
		{"range on IPv6", map[string]string{"METRICS_START_PORT": "5001", "METRICS_ADDRESS": "::1"},
			environment{metricsPorts: portRange{"::1", 5001, 1}}},
		{"workers without a range", map[string]string{"WEB_CONCURRENCY": "auto"}, environment{}},
		{"names", map[string]string{"TRUECOUNT_REPLICA": "clicks-0", "TRUECOUNT_WORKER": "2"},
			environment{replica: "clicks-0", worker: "2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseEnvironment(func(name string) string { return tt.env[name] }, pid)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestAWrongEnvironmentIsAnErrorThatNamesIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"fds", map[string]string{"LISTEN_FDS": "x", "LISTEN_PID": "42"}, `LISTEN_FDS="x" is not a number of sockets`},
		{"pid", map[string]string{"LISTEN_FDS": "1", "LISTEN_PID": "me"}, `LISTEN_PID="me" is not a process id`},
		{"none is http", map[string]string{"LISTEN_FDS": "2", "LISTEN_PID": "42", "LISTEN_FDNAMES": "a:b"}, `names none of them http`},
		{"a name beyond the sockets", map[string]string{"LISTEN_FDS": "2", "LISTEN_PID": "42", "LISTEN_FDNAMES": "a:b:http"}, `names none of them http`},
		{"notify", map[string]string{"NOTIFY_SOCKET": "run/n"}, `NOTIFY_SOCKET="run/n" is neither`},
		{"port", map[string]string{"METRICS_START_PORT": "http"}, `METRICS_START_PORT="http" is not a port`},
		{"port 0", map[string]string{"METRICS_START_PORT": "0"}, `METRICS_START_PORT="0" is not a port`},
		{"workers", map[string]string{"METRICS_START_PORT": "5001", "WEB_CONCURRENCY": "auto"}, `WEB_CONCURRENCY="auto" is not a number of workers`},
		{"no workers", map[string]string{"METRICS_START_PORT": "5001", "WEB_CONCURRENCY": "0"}, `WEB_CONCURRENCY="0" is not a number of workers`},
		{"beyond the last port", map[string]string{"METRICS_START_PORT": "65534", "WEB_CONCURRENCY": "3"}, `reach beyond port 65535; choose a lower start`},
		{"address with a port", map[string]string{"METRICS_START_PORT": "5001", "METRICS_ADDRESS": "127.0.0.1:80"}, `METRICS_ADDRESS="127.0.0.1:80"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseEnvironment(func(name string) string { return tt.env[name] }, 42)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func FuzzEnvironment(f *testing.F) {
	f.Add("1", "42", "http", "5001", "4", "127.0.0.1", "/run/n")
	f.Add("3", "42", "a::http", "65535", "1", "::1", "@x")
	f.Add("-1", "042", ":", "0x10", "1e3", "[::]", "")
	f.Fuzz(func(t *testing.T, fds, pid, names, start, workers, address, notify string) {
		vars := map[string]string{"LISTEN_FDS": fds, "LISTEN_PID": pid, "LISTEN_FDNAMES": names, "METRICS_START_PORT": start,
			"WEB_CONCURRENCY": workers, "METRICS_ADDRESS": address, "NOTIFY_SOCKET": notify}
		env, err := parseEnvironment(func(name string) string { return vars[name] }, 42)
		if err != nil {
			if env != (environment{}) {
				t.Errorf("an error, and yet %+v", env)
			}
			return
		}
		if env.listenFD != 0 && (env.listenFD < firstFD || env.listenFD >= firstFD+env.handedOver) {
			t.Errorf("descriptor %d of %d", env.listenFD, env.handedOver)
		}
		if n, _ := strconv.Atoi(pid); env.listenFD != 0 && n != 42 {
			t.Errorf("took a socket meant for %s", pid)
		}
		if r := env.metricsPorts; r.count != 0 {
			if r.start < 1 || r.last() > highPort || r.count < 1 {
				t.Errorf("range %+v", r)
			}
			if _, _, err := net.SplitHostPort(net.JoinHostPort(r.host, strconv.Itoa(r.start))); err != nil {
				t.Errorf("address %q: %v", r.host, err)
			}
		}
	})
}
