package merge_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is also the worker or merge process of the tests that kill real ones.
func TestMain(m *testing.M) {
	if os.Getenv(envWorkerProcess) != "" {
		workerProcess()
		return
	}
	if os.Getenv(envMergeProcess) != "" {
		mergeProcess()
		return
	}
	goleak.VerifyTestMain(m)
}
