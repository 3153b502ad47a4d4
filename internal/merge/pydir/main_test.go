package pydir_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// envProcess names what this test binary is to do as a process of its own: one that is killed, that has another user, or
// whose disk is full.
const envProcess = "TRUECOUNT_PYDIR_TEST_PROCESS"

var processes = map[string]func(){}

func TestMain(m *testing.M) {
	if name := os.Getenv(envProcess); name != "" {
		processes[name]()
		return
	}
	goleak.VerifyTestMain(m)
}
