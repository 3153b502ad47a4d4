package supervise

import (
	"slices"
	"strconv"
	"strings"
)

// contractVariables are the environment variables by which a worker and its supervisor agree. Those that the supervisor
// finds in its own environment were meant for itself (it may run below systemd) and are not passed on.
var contractVariables = []string{
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
	"WEB_CONCURRENCY", "METRICS_START_PORT", "TRUECOUNT_METRICS_DIR", "TRUECOUNT_REPLICA", "TRUECOUNT_WORKER",
}

// environment returns the environment of one worker: the supervisor's own, the user's additions, the contract's variables.
// LISTEN_PID is missing: only the new process knows it, see listenPidShim.
func (o *Options) environment(own []string, r *replica, worker int, notifySocket string) []string {
	env := variables{}
	env.add(own...)
	env.add(o.Env...)
	for _, key := range contractVariables {
		delete(env, key)
	}
	if o.Listen != "" {
		env["LISTEN_FDS"] = "1"
		env["LISTEN_FDNAMES"] = "http"
	}
	env["NOTIFY_SOCKET"] = notifySocket
	env["WEB_CONCURRENCY"] = strconv.Itoa(o.Workers)
	env["TRUECOUNT_REPLICA"] = r.name
	env["TRUECOUNT_WORKER"] = strconv.Itoa(worker)
	switch m := o.Metrics.(type) {
	case Sockets:
		env["TRUECOUNT_METRICS_DIR"] = r.dir
	case Ports:
		env["METRICS_START_PORT"] = strconv.Itoa(o.startPort(r.ordinal))
		if _, set := env["METRICS_ADDRESS"]; !set {
			env["METRICS_ADDRESS"] = "127.0.0.1"
		}
	case Directory:
		env[m.Variable] = m.Of(r.name)
	}
	return env.entries()
}

type variables map[string]string

// add takes KEY=value entries; a later one wins. Entries without a key are left out.
func (v variables) add(entries ...string) {
	for _, entry := range entries {
		if key, value, ok := strings.Cut(entry, "="); ok && key != "" {
			v[key] = value
		}
	}
}

func (v variables) entries() []string {
	entries := make([]string, 0, len(v))
	for key, value := range v {
		entries = append(entries, key+"="+value)
	}
	slices.Sort(entries)
	return entries
}
