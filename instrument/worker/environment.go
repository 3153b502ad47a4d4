package worker

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// environment is what whoever started the process asks of it.
type environment struct {
	listenFD     int    // the listening socket handed over; 0 if none
	handedOver   int    // how many descriptors, from firstFD on, were handed over
	notifySocket string // "" if nobody is to be told
	metricsDir   string // "" if metrics are not served on a unix socket
	metricsPorts portRange
	replica      string
	worker       string
}

// supervised says that whoever started the worker also ends it.
func (e environment) supervised() bool { return e.listenFD != 0 || e.notifySocket != "" }

const (
	firstFD   = 3    // SD_LISTEN_FDS_START
	mostFDs   = 1024 // a bound against nonsense
	mostPorts = 1024 // as many workers as one machine will have
	highPort  = 65535
)

// consumed are the variables that concern this very process and not its children.
var consumed = []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NOTIFY_SOCKET"}

// takeEnvironment reads the process' environment and unsets what children must not see.
func takeEnvironment() (environment, error) {
	env, err := parseEnvironment(os.Getenv, os.Getpid())
	for _, name := range consumed {
		if uerr := os.Unsetenv(name); err == nil {
			err = uerr
		}
	}
	return env, err
}

// parseEnvironment reads the variables with get, for a process of this pid. An empty variable is as one not set.
func parseEnvironment(get func(string) string, pid int) (environment, error) {
	env := environment{
		notifySocket: get("NOTIFY_SOCKET"),
		metricsDir:   get("TRUECOUNT_METRICS_DIR"),
		replica:      get("TRUECOUNT_REPLICA"),
		worker:       get("TRUECOUNT_WORKER"),
	}
	var err error
	if env.listenFD, env.handedOver, err = parseListenFDs(get, pid); err != nil {
		return environment{}, err
	}
	if env.metricsDir == "" {
		if env.metricsPorts, err = parsePorts(get); err != nil {
			return environment{}, err
		}
	}
	if s := env.notifySocket; s != "" && s[0] != '/' && s[0] != '@' {
		return environment{}, fmt.Errorf("NOTIFY_SOCKET=%q is neither an absolute path nor an abstract socket (@name)", s)
	}
	return env, nil
}

// parseListenFDs follows sd_listen_fds(3): descriptors meant for another process are none of ours, silently.
func parseListenFDs(get func(string) string, pid int) (fd, count int, err error) {
	fds, owner := get("LISTEN_FDS"), get("LISTEN_PID")
	if fds == "" || owner == "" {
		return 0, 0, nil
	}
	ownerPID, err := strconv.Atoi(owner)
	if err != nil || ownerPID <= 0 {
		return 0, 0, fmt.Errorf("LISTEN_PID=%q is not a process id", owner)
	}
	count, err = strconv.Atoi(fds)
	if err != nil || count < 0 || count > mostFDs {
		return 0, 0, fmt.Errorf("LISTEN_FDS=%q is not a number of sockets", fds)
	}
	if ownerPID != pid || count == 0 {
		return 0, 0, nil
	}
	if count == 1 {
		return firstFD, 1, nil
	}
	names := strings.Split(get("LISTEN_FDNAMES"), ":")
	for i, name := range names {
		if name == "http" && i < count {
			return firstFD + i, count, nil
		}
	}
	return 0, 0, fmt.Errorf("LISTEN_FDS=%d sockets were handed over, and LISTEN_FDNAMES names none of them http", count)
}

func parsePorts(get func(string) string) (portRange, error) {
	start := get("METRICS_START_PORT")
	if start == "" {
		return portRange{}, nil
	}
	r := portRange{host: get("METRICS_ADDRESS"), count: 1}
	if r.host == "" {
		r.host = "127.0.0.1"
	}
	if strings.ContainsAny(r.host, "[]/ ") || strings.Count(r.host, ":") == 1 {
		return portRange{}, fmt.Errorf("METRICS_ADDRESS=%q is not an address without a port, such as 127.0.0.1", r.host)
	}
	var err error
	if r.start, err = strconv.Atoi(start); err != nil || r.start < 1 || r.start > highPort {
		return portRange{}, fmt.Errorf("METRICS_START_PORT=%q is not a port (1 to %d)", start, highPort)
	}
	if workers := get("WEB_CONCURRENCY"); workers != "" {
		if r.count, err = strconv.Atoi(workers); err != nil || r.count < 1 || r.count > mostPorts {
			return portRange{}, fmt.Errorf("WEB_CONCURRENCY=%q is not a number of workers (1 to %d)", workers, mostPorts)
		}
	}
	if r.last() > highPort {
		return portRange{}, fmt.Errorf("METRICS_START_PORT=%d and WEB_CONCURRENCY=%d reach beyond port %d; choose a lower start",
			r.start, r.count, highPort)
	}
	return r, nil
}
