package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/truecount/truecount/internal/hint"
)

// nearWord is how many letters may differ between a word and what was perhaps meant.
const nearWord = 2

// flagError words a mistake in a command's flags for an operator.
func flagError(cmd *cobra.Command, err error) error {
	see := "see: " + cmd.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		if near := nearFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			see = "did you mean: --" + near
		}
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		return hint.Errorf(see, "--%s: %q is not %s", flag.Name, invalid.GetValue(), kindOfValue(flag))
	}
	return hint.Errorf(see, "%w", err)
}

// nearFlag returns the command's flag that is written much like name or has it as a part, or "".
func nearFlag(cmd *cobra.Command, name string) string {
	// Cobra knows near words among commands only: the flags are lent to it as such.
	flags := &cobra.Command{SuggestionsMinimumDistance: nearWord}
	partly := ""
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		flags.AddCommand(&cobra.Command{Use: flag.Name, Run: func(*cobra.Command, []string) {}})
		if len(name) > nearWord && strings.Contains(flag.Name, name) && partly == "" {
			partly = flag.Name
		}
	})
	if len(name) <= nearWord { // every short word is near to it
		return ""
	}
	if near := flags.SuggestionsFor(name); len(near) > 0 {
		return near[0]
	}
	return partly
}

func kindOfValue(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	}
	return "valid"
}
