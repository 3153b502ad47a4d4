package app

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/clicks"
)

// workerVariable makes the test binary be a worker of the demo application clicks.
const workerVariable = "APP_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := clicks.Command(context.Background(), nil, os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
