package supervise

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// roleVariable makes the test binary be something else than a test: a worker, or a supervisor that can be killed.
const roleVariable = "SUPERVISE_TEST_ROLE"

var roles = map[string]func() error{
	"serve":      runServingWorker,
	"real":       runRealWorker,
	"fail":       runFailingWorker,
	"gated":      runGatedWorker,
	"mute":       runMuteWorker,
	"stubborn":   runStubbornWorker,
	"parent":     runParentWorker,
	"chatter":    runChatteringWorker,
	"supervisor": runSupervisor,
}

func TestMain(m *testing.M) {
	name := os.Getenv(roleVariable)
	if name == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := roles[name](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
