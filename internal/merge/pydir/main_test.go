package pydir_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// envProcess names what this test binary is to do as a process of its own.
const envProcess = "TRUECOUNT_PYDIR_TEST_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(envProcess) == "fill the disk" {
		fillTheDisk()
		return
	}
	goleak.VerifyTestMain(m)
}

const envDirectory = "TRUECOUNT_PYDIR_TEST_DIRECTORY"

// fillTheDisk is a worker that counts in ever more series, says so for each, and is killed by the system when a page of its
// file finds no room.
func fillTheDisk() {
	w := pydirtest.NewWorker(os.Getenv(envDirectory), "2", since018)
	for n := 0; ; n++ {
		w.Counter("walks", "Help.", label("n", strconv.Itoa(n))).Add(1)
		if w.Err() != nil {
			fmt.Fprintln(os.Stderr, w.Err())
			os.Exit(1)
		}
		fmt.Println(n + 1)
	}
}
