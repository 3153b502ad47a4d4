package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/application"
)

const checkHelp = `Reads application files exactly as up does and says what is wrong with them, all of it in one run.

Examples:
  truecount check -f truecount.yaml
  truecount check -f clicks.yaml -f dogwalk.yaml`

func newCheck() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "check -f FILE",
		Short: "say what is wrong with application files",
		Long:  checkHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []*application.Application
			for _, name := range files {
				file, err := application.Load(name)
				if err != nil {
					return err
				}
				all = append(all, file.Applications...)
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok, %d application(s)\n", name, len(file.Applications))
			}
			return application.CheckTogether(all...)
		},
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "application file; may be given several times")
	cmd.MarkFlagRequired("file")
	return cmd
}
