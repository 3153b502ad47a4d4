package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionTemplate is what --version prints: the same line as the command.
const versionTemplate = "truecount {{.Version}}\n"

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print what this binary was built from",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintf(cmd.OutOrStdout(), "truecount %s\n", buildVersion())
			return nil
		},
	}
}

// buildVersion names the module's version or commit, the embedded Prometheus and the Go release, from what the
// Go command recorded in the binary.
func buildVersion() string {
	version, revision, prometheus := "(devel)", "", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = " " + setting.Value[:min(12, len(setting.Value))]
			}
		}
		for _, dep := range info.Deps {
			if dep.Path == "github.com/prometheus/prometheus" {
				prometheus = dep.Version
			}
		}
	}
	return fmt.Sprintf("%s%s (prometheus %s, %s %s/%s)", version, revision, prometheus, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
