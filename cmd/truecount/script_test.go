package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *updateScripts,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[processes{}] = map[string]*process{}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"fails":    fails,
			"start":    start,
			"await":    await,
			"signal":   send,
			"end":      end,
			"request":  request,
			"poll":     poll,
			"occupy":   occupy,
			"freeport": freePort,
			"expand":   expand,
		},
	})
}

// notForOperators is what a message must not show: stack traces, names of Go's types and functions, pointers.
var notForOperators = regexp.MustCompile(`goroutine \d|(?i:panic)|runtime error|\.go:\d|0x[0-9a-f]{6}|\*[a-z]+\.[A-Z]|strconv\.|(?:^|\s)(?:json|yaml): |application\.[A-Z]|\bnil\b`)

// fails runs truecount and demands what is promised of every error: exit code 1, nothing on standard output, one message on
// standard error with a hint. `stderr` and `cmp stderr` look at the message after it.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("use exec for what succeeds")
	}
	err := ts.Exec("truecount", args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		ts.Fatalf("truecount %s: %v, want exit code 1", strings.Join(args, " "), err)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("an error wrote to standard output: %q", out)
	}
	message := ts.ReadFile("stderr")
	if strings.Count(message, "truecount: ") != 1 || !strings.HasPrefix(message, "truecount: ") {
		ts.Fatalf("not one message: %q", message)
	}
	if !strings.Contains(message, "\nhint: ") {
		ts.Fatalf("no hint: %q", message)
	}
	if found := notForOperators.FindString(message); found != "" {
		ts.Fatalf("%q is nothing for an operator: %q", found, message)
	}
}

// expand replaces $VARIABLES in files.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}
