package clicks

import (
	"log/slog"
	"net"

	"github.com/truecount/truecount/demo/service"
)

const defaultPort = "8000"

// Options for New and Run; the zero value serves on no address that anybody could know.
type Options struct {
	service.Environment
	// Logger gets a few lines on start and stop. Default: nothing is logged.
	Logger *slog.Logger
	// OnReady is told the address when requests are answered.
	OnReady func(net.Addr)
}

// OptionsFromEnv reads the options that the environment gives.
func OptionsFromEnv(getenv func(string) string) (Options, error) {
	env, err := service.Read(getenv, defaultPort)
	return Options{Environment: env}, err
}

const about = `clicks: a page with a button, and a counter of how often it was hit.

  LISTEN_ADDRESS       IP address to listen on (127.0.0.1; in a container 0.0.0.0)
  PORT                 port to listen on (8000; 0: any free one)
  WEB_CONCURRENCY      number of worker processes (1)
  METRICS_START_PORT   each worker serves /metrics on the first free port from here (unset: /metrics on PORT)
  METRICS_ADDRESS      IP address of those (127.0.0.1; in a container 0.0.0.0)
  LOG_LEVEL            the lowest level that is logged: debug, info, warn or error (info)
`
