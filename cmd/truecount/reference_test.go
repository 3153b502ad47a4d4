package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const referenceOpening = `# Command line

<!-- Written by: go test ./cmd/truecount -update -->

The help of every command as the program prints it. Standard output carries what a command was asked to say, standard error the
log and, at an error, one message: ` + "`truecount: …`" + ` and a line ` + "`hint: …`" + `. The exit code is 0, or 1 after an error.
`

func TestTheReferenceOfTheCommandLineIsCurrent(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "reference", "cli.md")
	want := reference(t)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the commands say of themselves; write it with: go test ./cmd/truecount -update", file)
	}
}

// reference is the help of each command that is shown, in the order of the help.
func reference(t *testing.T) []byte {
	t.Helper()
	root := newRoot()
	root.InitDefaultHelpCmd()
	page := bytes.NewBufferString(referenceOpening)
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		page.WriteString("\n## " + cmd.CommandPath() + "\n\n```text\n" + help(t, cmd) + "```\n")
	}
	return page.Bytes()
}

// help runs the command line itself with --help.
func help(t *testing.T, cmd *cobra.Command) string {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(append(strings.Fields(cmd.CommandPath())[1:], "--help"))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// goesOn is where an example goes on in the next line.
var goesOn = regexp.MustCompile(`\\\n\s*`)

func TestEveryCommandHasAnExampleThatItAccepts(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		if cmd.Hidden || cmd.Name() == "version" {
			continue
		}
		_, examples, found := strings.Cut(cmd.Long, "Examples:\n")
		if !found {
			t.Errorf("%s has no examples", cmd.CommandPath())
		}
		examples, _, _ = strings.Cut(goesOn.ReplaceAllString(examples, ""), "\n\n")
		for line := range strings.Lines(examples) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ") // an explanation stands apart
			words := strings.Fields(line)
			found, rest, err := newRoot().Find(words[1:])
			if err != nil || found.Name() != cmd.Name() {
				t.Errorf("%q is no %s: %v", line, cmd.CommandPath(), err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
}
