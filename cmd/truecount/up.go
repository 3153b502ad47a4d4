package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/demo/traffic"
	"github.com/truecount/truecount/internal/app"
	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
)

const upHelp = `Runs the whole chain on this machine: workers are started, their counts merged, scraped, stored, evaluated and shown,
and the number of replicas follows the signal that the application names. Without arguments it runs four demo
applications: clicks, a button; dogwalk, a small service with a database; latency, answers that take a random time; and
servicewindow, metrics that only its database knows.

Examples:
  truecount up                                     the demos
  truecount up -f truecount.yaml                   an application of your own, as its file says
  truecount up --port 8000 --workers 4 -- ./shop   a command, without a file
  truecount up --target http://127.0.0.1:8000/metrics   a service that runs already

Standard output gets the line "ready: URL" and the addresses of the applications; the log goes to standard error.
Ctrl-C ends everything that was started. Samples stay in the data directory for the next start.`

// upFlags are what the command line of up says.
type upFlags struct {
	logging
	listen      string
	data        string
	files       []string
	targets     []string
	traffic     float64
	externalURL string
	hosts       []string
	lifecycle   bool
	command     application.CommandOptions
	ownPort     bool
}

func newUp() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up [flags] [-- COMMAND [ARGUMENT...]]",
		Short: "run the whole chain on this machine",
		Long:  upHelp,
		RunE:  func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.register(cmd, "warn")
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", defaultListen, "`ADDRESS` of the pages and the API; port 0 takes a free one")
	flags.StringVar(&f.data, "data", "data", "`DIRECTORY` that keeps samples and what the demos keep")
	flags.StringArrayVarP(&f.files, "file", "f", nil, "application `FILE`; may be given several times")
	flags.StringArrayVar(&f.targets, "target", nil, "`URL` of metrics that are served already; may be given several times")
	flags.Float64Var(&f.traffic, "traffic", 0.5, "walks started per second in the demos, beside four visits of latency; a `RATE` of 0 for none")
	flags.StringVar(&f.externalURL, "external-url", "", "`URL` by which users reach the pages, for links in alerts")
	flags.StringArrayVar(&f.hosts, "host", nil, "host `NAME` by which browsers may reach the pages, beside this machine's loopback names")
	flags.BoolVar(&f.lifecycle, "enable-lifecycle", false, "let POST /-/reload read the configuration again")
	flags.StringVar(&f.command.Name, "name", "", "`NAME` of the application, for a COMMAND")
	flags.IntVar(&f.command.Port, "port", 0, "`PORT` of the application, for a COMMAND")
	flags.IntVar(&f.command.Workers, "workers", 0, "`NUMBER` of worker processes per replica, for a COMMAND (default 1)")
	flags.StringVar(&f.command.MetricsEndpoint, "metrics", "", "`PATH` or URL where the COMMAND serves its metrics itself; without it each worker serves them on the socket it is told")
	flags.StringVar(&f.command.Show, "show", "", "counter that the first page follows from worker to total, a `METRIC` of the COMMAND")
	flags.BoolVar(&f.ownPort, "own-port", false, "the COMMAND opens its port itself, told by the variable PORT; without it the port is opened here and handed to its workers")
	return cmd
}

// defaultListen is Prometheus' own port, where people and tools look first.
const defaultListen = "127.0.0.1:9090"

func (f *upFlags) run(cmd *cobra.Command, args []string) error {
	logger, err := f.logger(cmd)
	if err != nil {
		return err
	}
	options := app.Options{
		Listen:          f.listen,
		AnyPort:         !cmd.Flags().Changed("listen"),
		DataDir:         f.data,
		EnableLifecycle: f.lifecycle,
		ExternalURL:     f.externalURL,
		Hosts:           f.hosts,
		Version:         buildVersion(),
		WorkerOutput:    cmd.ErrOrStderr(),
		Logger:          logger,
	}
	if err := f.applications(cmd, args, &options); err != nil {
		return err
	}
	ctx, stop := endOnHangup(cmd.Context())
	defer stop()
	return runApp(ctx, cmd, options, nil)
}

// applications fills in what is to run: files, a command, targets, or the demos.
func (f *upFlags) applications(cmd *cobra.Command, args []string, options *app.Options) error {
	if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
		return hint.Errorf("a command stands behind --: truecount up -- "+args[0], "up takes no argument %q", args[0])
	}
	if err := f.checkMixture(cmd, len(args) > 0); err != nil {
		return err
	}
	if len(f.files)+len(f.targets)+len(args) == 0 {
		return demos(f.data, f.traffic, options)
	}
	var err error
	if options.Applications, options.Local, err = loadFiles(f.files); err != nil {
		return err
	}
	for _, target := range f.targets {
		target, err := application.ForTarget(target)
		if err != nil {
			return err
		}
		options.Applications = append(options.Applications, target)
	}
	if len(args) > 0 {
		if f.ownPort {
			f.command.Listener = application.ListenerOwn
		}
		command, err := application.ForCommand(args, f.command)
		if err != nil {
			return err
		}
		options.Applications = append(options.Applications, command)
	}
	if len(options.Applications) == 0 {
		return hint.Errorf("add a document of kind Application", "%s: no application to run", f.files[0])
	}
	return nil
}

// checkMixture refuses flags that would have no effect: who gives them expects one.
func (f *upFlags) checkMixture(cmd *cobra.Command, hasCommand bool) error {
	if !(f.traffic >= 0 && f.traffic <= traffic.MaxRate) {
		return hint.Errorf("this is a gentle load, to have something to look at", "--traffic: want a number from 0 to %v, got %v", traffic.MaxRate, f.traffic)
	}
	if runsDemos := !hasCommand && len(f.files)+len(f.targets) == 0; !runsDemos && f.traffic > 0 && cmd.Flags().Changed("traffic") {
		return hint.Errorf("leave it out", "--traffic drives the demos, which do not run here")
	}
	for _, name := range []string{"name", "port", "workers", "metrics", "own-port", "show"} {
		if !hasCommand && cmd.Flags().Changed(name) {
			return hint.Errorf("put the command behind it: truecount up --"+name+" … -- COMMAND", "--%s says something of a COMMAND, and there is none", name)
		}
	}
	return nil
}

// absolute is for what is handed to processes that may run elsewhere.
func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return abs, nil
}

// self is this very binary, which is also what the demos' workers run.
func self() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file: %w", err)
	}
	return path, nil
}
