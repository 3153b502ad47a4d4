// Package tool finds the programs of other people that tests run against, and has the one rule for machines that lack them:
// the test is skipped and says what installs them, or fails where REQUIRE_TOOLS=1 says that all must be there.
package tool

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Need returns the path of the first of the names, which are one program's, that is installed.
func Need(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, names[0])
	return ""
}

// missing is the one rule.
func missing(t testing.TB, name string) {
	t.Helper()
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed: run scripts/tools.sh", name)
	}
	t.Skipf("%s is not installed: run scripts/tools.sh", name)
}

// Python returns the path of the first Python 3 that has the modules. Debian's packages are for Debian's own, which is not
// always the first in PATH.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.CommandContext(t.Context(), path, "-c", "import "+strings.Join(modules, ",")).Run() == nil {
			return path
		}
	}
	missing(t, "Python's "+strings.Join(modules, ", "))
	return ""
}

// Root is for tests that only root can set up: files of other users, devices, file systems of their own.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal("run this as root")
	}
	t.Skip("run this as root")
}

// Allowed is for what a machine must permit, not have: refused is why it does not, nil if it does.
func Allowed(t testing.TB, refused error) {
	t.Helper()
	if refused == nil {
		return
	}
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(refused)
	}
	t.Skip(refused)
}
