package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
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
			if len(files) == 0 {
				return hint.Errorf("name it: truecount check -f truecount.yaml", "no file to check")
			}
			all, _, err := loadFiles(files)
			if err != nil {
				return err
			}
			for _, name := range files {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", name)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d application(s)\n", len(all))
			return nil
		},
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "application `FILE`; may be given several times")
	return cmd
}

// loadFiles reads application files and returns the mistakes of all of them, or, if each is right, those that they make
// together.
func loadFiles(names []string) (apps []*application.Application, local *application.Local, err error) {
	var errs []error
	localIn := ""
	for _, name := range names {
		file, err := application.Load(name)
		if err != nil {
			errs = append(errs, withReference(err))
			continue
		}
		apps = append(apps, file.Applications...)
		switch {
		case file.Local == nil:
		case local == nil:
			local, localIn = file.Local, name
		default:
			errs = append(errs, hint.Errorf("leave one of them out: a machine runs at one pace", "%s: a second document of kind Local, the first is in %s", name, localIn))
		}
	}
	if len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	return apps, local, application.CheckTogether(apps...)
}

// withReference is for mistakes whose words say all there is to say: the place to look then is the list of fields.
func withReference(err error) error {
	var mistakes application.Errors
	if !errors.As(err, &mistakes) || slices.ContainsFunc(mistakes, func(e *application.Error) bool { return e.Hint != "" }) {
		return err
	}
	return hint.Errorf("every field and its values: docs/reference/application.md", "%w", err)
}
