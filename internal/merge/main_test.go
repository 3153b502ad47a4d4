package merge_test

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/internal/merge"
)

// userSaveBound is how long scrapes wait for the disk but in these tests: on a busy machine a real disk can take longer.
var userSaveBound time.Duration

// The test binary is also the worker or merge process of the tests that kill real ones.
func TestMain(m *testing.M) {
	userSaveBound = merge.SetSaveBound(time.Minute)
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
