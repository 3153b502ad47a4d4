// Package service is what the demo applications have in common besides instrument: settings from the environment, the
// choice between one process and several, safe response headers and the look of their pages.
package service

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// maxWorkers is far above what a machine runs: a larger number is a slip.
const maxWorkers = 512

// Environment is how a process of a demo is reached and counted.
type Environment struct {
	// Addr is the address to listen on when no socket was handed over.
	Addr string
	// Workers is how many processes serve it.
	Workers int
	// MetricsApart says that the workers' metrics have an endpoint of their own.
	MetricsApart bool
	// Replica is the name of the replica that the process belongs to, or "".
	Replica string
	// LogLevel is the lowest level that is logged.
	LogLevel slog.Level
}

// Read reads LISTEN_ADDRESS, PORT, WEB_CONCURRENCY, LOG_LEVEL, and what instrument/worker makes of METRICS_START_PORT and
// TRUECOUNT_METRICS_DIR.
func Read(getenv func(string) string, defaultPort string) (Environment, error) {
	env := Environment{
		Workers:      1,
		MetricsApart: getenv("METRICS_START_PORT") != "" || getenv("TRUECOUNT_METRICS_DIR") != "",
		Replica:      getenv("TRUECOUNT_REPLICA"),
	}
	host, port := cmp.Or(getenv("LISTEN_ADDRESS"), "127.0.0.1"), cmp.Or(getenv("PORT"), defaultPort)
	if _, err := netip.ParseAddr(host); err != nil {
		return env, fmt.Errorf("LISTEN_ADDRESS: %q is not an IP address: want 127.0.0.1, or 0.0.0.0 in a container", host)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return env, fmt.Errorf("PORT: %q is not a port: want a number from 0 to 65535 (0: any free one)", port)
	}
	env.Addr = net.JoinHostPort(host, port)
	if count := getenv("WEB_CONCURRENCY"); count != "" {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || n > maxWorkers {
			return env, fmt.Errorf("WEB_CONCURRENCY: %q is not a number of workers: want 1 to %d", count, maxWorkers)
		}
		env.Workers = n
	}
	var err error
	env.LogLevel, err = logLevel(getenv("LOG_LEVEL"))
	return env, err
}

func logLevel(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug, nil
	case "", "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("LOG_LEVEL: %q is not a level: want debug, info, warn or error", name)
}

// Whole reads a whole number from lowest to highest from the environment; fallback if it is not set.
func Whole(getenv func(string) string, name string, fallback, lowest, highest int) (int, error) {
	value := getenv(name)
	if value == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < lowest || n > highest {
		return 0, fmt.Errorf("%s: %q is not valid: want a whole number from %d to %d", name, value, lowest, highest)
	}
	return n, nil
}

// Span reads a positive length of time as in 90s or 5m from the environment; fallback if it is not set.
func Span(getenv func(string) string, name string, fallback time.Duration) (time.Duration, error) {
	value := getenv(name)
	if value == "" {
		return fallback, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s: %q is not valid: want a length of time like 90s or 5m", name, value)
	}
	return d, nil
}
