package guides

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/truecount/truecount/test/tool"
)

// TestTheGuideMetricsBehindAuthenticationIsTrue walks through the page: a password asked for by the service itself, changed and broken while it
// runs, and a listener with TLS, scraped all the while.
func TestTheGuideMetricsBehindAuthenticationIsTrue(t *testing.T) {
	for _, name := range []string{"bash", "curl", "promtool", "openssl", "htpasswd"} {
		tool.Need(t, name)
	}
	t.Parallel()
	const page = "metrics-behind-authentication.md"
	s := newShell(t)
	program := []byte(s.here(goBlock(t, page)))
	if err := os.WriteFile(filepath.Join(s.replace["/tmp/auth"], "service.go"), program, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks(t, page) {
		s.walk(b)
	}
	if left, _ := s.run("jobs -r"); strings.TrimSpace(left) != "" {
		t.Errorf("the page leaves programs running:\n%s", left)
	}
}

// goBlock returns the program of a page.
func goBlock(t *testing.T, page string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", page))
	if err != nil {
		t.Fatal(err)
	}
	_, program, begins := strings.Cut(string(content), "```go\n")
	program, _, ends := strings.Cut(program, "```\n")
	if !begins || !ends {
		t.Fatalf("%s has no program", page)
	}
	return program
}

// TestTheGuidesNginxIsTheOneOfDeploy holds the lines that the page quotes against the file that a test in deploy runs.
func TestTheGuidesNginxIsTheOneOfDeploy(t *testing.T) {
	read := func(path ...string) string {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(content)), " ")
	}
	_, quoted, _ := strings.Cut(read("docs", "guides", "metrics-behind-authentication.md"), "Its heart: ")
	quoted, _, _ = strings.Cut(quoted, " Two mistakes")
	if quoted == "" || !strings.Contains(read("deploy", "dogwalk", "kubernetes-nginx", "nginx.yaml"), quoted) {
		t.Errorf("nginx.yaml has no %q", quoted)
	}
}
