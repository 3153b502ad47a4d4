package main

import (
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/truecount/truecount/test/script"
)

var (
	update        = flag.Bool("update", false, "write docs/reference/cli.md")
	updateScripts = flag.Bool("update.scripts", false, "write what the scripts in testdata compare with")
)

func TestMain(m *testing.M) {
	// The scripts run this very binary as truecount, and so do the workers of the demos.
	testscript.Main(m, map[string]func(){"truecount": main})
}

// TestScripts runs the command line as an operator does: testdata/script has a file for each subject.
func TestScripts(t *testing.T) {
	// A test run that was started to outlive its terminal ignores SIGHUP, and the programs it starts would inherit that.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	commands := script.Commands("truecount")
	commands["expand"] = expand
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *updateScripts,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               script.Setup,
		Cmds:                commands,
	})
}

// expand replaces $VARIABLES in files.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}
