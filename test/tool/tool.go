// Package tool finds the programs of other people that tests run against, and has the one rule for machines that lack them:
// the test is skipped and says what installs them, or fails where REQUIRE_TOOLS=1 says that all must be there.
package tool

import (
	"os"
	"os/exec"
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
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed: run scripts/tools.sh", names[0])
	}
	t.Skipf("%s is not installed: run scripts/tools.sh", names[0])
	return ""
}
