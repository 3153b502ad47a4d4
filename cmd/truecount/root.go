package main

import (
	"log/slog"

	"github.com/prometheus/common/promslog"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/hint"
)

const rootHelp = `Truecount takes an application's own metric from the line of code that counts it to everything that acts on it:
one truthful /metrics for all workers of a service, charts, alerts and the autoscaler.

Examples:
  truecount up                        the whole chain with four demo applications
  truecount up -f truecount.yaml      the same for an application of your own
  truecount serve --config.file prometheus.yml`

// newRoot assembles the command line. One file per subcommand.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "truecount",
		Short:         "an application's own metric, counted right and acted on",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: nearWord,
	}
	root.SetVersionTemplate(versionTemplate)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	root.AddCommand(newUp(), newServe(), newMerge(), newReplay(), newCheck(), newDemo(), newVersion())
	return root
}

// newHelp replaces cobra's, which takes a command that does not exist for no mistake.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "print the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if err := noArguments(topic, rest); err != nil {
				return err
			}
			topic.InitDefaultHelpFlag()
			topic.InitDefaultVersionFlag()
			return topic.Help()
		},
	}
}

// noArguments refuses words that a command does not take, and says which commands there are.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasParent() {
		return hint.Errorf("see: "+cmd.CommandPath()+" --help", "%s takes no argument %q", cmd.Name(), args[0])
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hint.Errorf("did you mean: truecount "+near[0], "unknown command %q", args[0])
	}
	return hint.Errorf("see: truecount --help", "unknown command %q", args[0])
}

// logging is the pair of log flags that every long-running command has, named as Prometheus' programs name them.
type logging struct{ level, format string }

func (l *logging) register(cmd *cobra.Command, level string) {
	cmd.Flags().StringVar(&l.level, "log.level", level, "`LEVEL` of the least severe log lines to print: debug, info, warn or error")
	cmd.Flags().StringVar(&l.format, "log.format", "logfmt", "`FORMAT` of log lines: logfmt or json")
}

// logger writes to standard error; standard output is for what the command was asked to say.
func (l *logging) logger(cmd *cobra.Command) (*slog.Logger, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(l.level); err != nil {
		return nil, hint.Errorf("use debug, info, warn or error", "--log.level: %q is not a level", l.level)
	}
	if err := format.Set(l.format); err != nil {
		return nil, hint.Errorf("use logfmt or json", "--log.format: %q is not a format", l.format)
	}
	return promslog.New(&promslog.Config{Level: level, Format: format, Writer: cmd.ErrOrStderr()}), nil
}
