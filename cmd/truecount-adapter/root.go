package main

import (
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/hint"
)

const rootHelp = `Answers Kubernetes' custom metrics API (custom.metrics.k8s.io) from Prometheus, by the rules of a prometheus-adapter
configuration file and of applications.

A value is the truth or an error: what is not known is never 0, so that an autoscaler holds. The rules are read again when
their files or ConfigMaps change; one that is wrong is refused alone, and the last good one stays.

Without a command it serves, and takes the flags of prometheus-adapter.

Examples:
  truecount-adapter --config config.yaml --prometheus-url http://prometheus:9090 --lister-kubeconfig ~/.kube/config \
      --authentication-kubeconfig ~/.kube/config --authorization-kubeconfig ~/.kube/config
  truecount-adapter check --config config.yaml --prometheus-url http://prometheus:9090
  truecount-adapter migrate config.yaml`

// newRoot assembles the command line. One file per subcommand; serve is what the program does without one.
func newRoot() *cobra.Command {
	var f serveFlags
	root := &cobra.Command{
		Use:           "truecount-adapter",
		Short:         "the custom metrics API, from Prometheus",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
		Args:          adapterOrNothing,
		RunE:          func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint.Errorf("see: "+cmd.CommandPath()+" --help", "%w", err)
	})
	f.register(root)
	root.AddCommand(newServe(), newCheck(), newCertificate(), newMigrate(), newVersion())
	return root
}

// adapterOrNothing takes the one word that the community's chart of prometheus-adapter puts before its flags.
func adapterOrNothing(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] == "/adapter" {
		return nil
	}
	return noArguments(cmd, args)
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return hint.Errorf("see: "+cmd.CommandPath()+" --help", "unexpected argument %q", args[0])
}
