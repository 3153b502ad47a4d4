package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/history"
)

// replaySource are the flags that say whose history it is.
type replaySource struct {
	url, httpConfig, method string
	timeout                 time.Duration
	partial                 bool
	files                   []string
}

func (s *replaySource) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.url, "prometheus", "", "`URL` of a Prometheus-compatible server")
	flags.StringVar(&s.httpConfig, "http.config.file", "", "HTTP client configuration `FILE` for it, as promtool's: credentials, TLS, headers")
	flags.StringVar(&s.method, "http.method", "", "`METHOD` to ask it by: POST, or GET; left out, POST, and GET where that is refused")
	flags.DurationVar(&s.timeout, "timeout", 2*time.Minute, "`TIME` that it has for each answer")
	flags.BoolVar(&s.partial, "allow-partial", false, "go on where it says that a part of its data is missing")
	flags.StringArrayVar(&s.files, "history", nil, "exported `FILE` instead of a server; NAME=FILE names series that have no name; may be given several times")
}

// openSource answers about the past, whatever it is.
type openSource struct {
	replay.Source
	first, last time.Time       // of files; zero for a server
	named       map[string]bool // metrics that files were given names for
	tell        func(string)    // warns
	close       func()
}

func (s *replaySource) open(warnings io.Writer) (*openSource, error) {
	switch {
	case (s.url == "") == (len(s.files) == 0):
		return nil, hint.Errorf("name one of them: --prometheus http://prometheus:9090, or --history dump.txt", "there must be one history")
	case s.timeout <= 0:
		return nil, hint.Errorf("write it as 2m", "--timeout: %s is no length of time", s.timeout)
	case s.url == "":
		return s.openFiles(warnings)
	}
	options := promapi.Options{URL: s.url, Method: s.method, Timeout: s.timeout, AllowPartial: s.partial, Warn: tellOnce(warnings, "the server says: ")}
	if s.httpConfig != "" {
		cfg, _, err := config.LoadHTTPConfigFile(s.httpConfig)
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			return nil, hint.Errorf("give the path of a file that can be read", "--http.config.file: %w", err)
		}
		if err != nil {
			// The library's words repeat what is in the file, which has secrets.
			return nil, hint.Errorf("it is written as Prometheus writes http_config: basic_auth, authorization, tls_config …",
				"--http.config.file: %s is no HTTP client configuration", s.httpConfig)
		}
		if options.Transport, err = config.NewRoundTripperFromConfig(*cfg, "truecount"); err != nil {
			return nil, fmt.Errorf("--http.config.file: %w", err)
		}
	}
	client, err := promapi.New(options)
	if err != nil {
		return nil, fmt.Errorf("--prometheus: %w", err)
	}
	return &openSource{Source: client, tell: tellOnce(warnings, ""), close: client.Close}, nil
}

// tellOnce writes remarks, each once.
func tellOnce(out io.Writer, opening string) func(string) {
	told := map[string]bool{}
	return func(text string) {
		if !told[text] && len(told) < 20 {
			told[text] = true
			fmt.Fprintf(out, "truecount: %s%s\n", opening, text)
		}
	}
}

func (s *replaySource) openFiles(warnings io.Writer) (*openSource, error) {
	h := history.New()
	named := map[string]bool{}
	for _, file := range s.files {
		if err := h.ReadFile(file); err != nil {
			return nil, fmt.Errorf("--history: %w", err)
		}
		name, _, _ := strings.Cut(file, "=")
		named[name] = true
	}
	source := h.Source()
	first, last, _ := h.Range()
	return &openSource{
		Source: source, named: named, first: time.UnixMilli(first), last: time.UnixMilli(last),
		tell:  tellOnce(warnings, ""),
		close: func() { source.Close() },
	}, nil
}
