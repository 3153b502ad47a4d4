package controlplane

import (
	"bytes"
	"strings"
	"testing"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// kubectl runs a command line as an administrator and returns what it prints. Errors fail the test, and so do warnings.
func kubectl(t *testing.T, c *cluster.Cluster, args ...string) string {
	t.Helper()
	return kubectlWith(t, c, "", args...)
}

// kubectlWith does so with a text as standard input, for -f -.
func kubectlWith(t *testing.T, c *cluster.Cluster, stdin string, args ...string) string {
	t.Helper()
	out, problem := tryKubectl(t, c, stdin, args...)
	if problem != "" {
		t.Fatalf("kubectl %s: %s", strings.Join(args, " "), problem)
	}
	return out
}

// tryKubectl returns what was printed, and what was said beside it or "".
func tryKubectl(t *testing.T, c *cluster.Cluster, stdin string, args ...string) (out, problem string) {
	t.Helper()
	cmd := c.Kubectl(t.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	problem = strings.TrimSpace(stderr.String())
	if err != nil && problem == "" {
		problem = err.Error()
	}
	return stdout.String(), problem
}

// apply is what the pages tell to do: server-side, no force, and nothing that the API server warns of.
func apply(t *testing.T, c *cluster.Cluster, stdin string, args ...string) {
	t.Helper()
	kubectlWith(t, c, stdin, append([]string{"apply", "--server-side", "--warnings-as-errors"}, args...)...)
}
