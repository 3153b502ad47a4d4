package script

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// notForOperators is what a message must not show: stack traces, names of Go's types and functions, pointers.
var notForOperators = regexp.MustCompile(`goroutine \d|(?i:panic)|runtime error|\.go:\d|0x[0-9a-f]{6}|\*[a-z]+\.[A-Z]|strconv\.|(?:^|\s)(?:json|yaml): |application\.[A-Z]|\bnil\b`)

// fails runs the program and demands what is promised of every error: exit code 1, nothing on standard output, one message on
// standard error with a hint. `stderr` and `cmp stderr` look at the message after it.
func fails(ts *testscript.TestScript, program string, neg bool, args []string) {
	if neg {
		ts.Fatalf("use exec for what succeeds")
	}
	err := ts.Exec(program, args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		ts.Fatalf("%s %s: %v, want exit code 1", program, strings.Join(args, " "), err)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("an error wrote to standard output: %q", out)
	}
	message := ts.ReadFile("stderr")
	if strings.Count(message, program+": ") != 1 || !strings.HasPrefix(message, program+": ") {
		ts.Fatalf("not one message: %q", message)
	}
	if !strings.Contains(message, "\nhint: ") {
		ts.Fatalf("no hint: %q", message)
	}
	if found := notForOperators.FindString(message); found != "" {
		ts.Fatalf("%q is nothing for an operator: %q", found, message)
	}
}
