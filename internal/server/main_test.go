package server

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("SERVER_TEST_INGEST"); dir != "" {
		ingestUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}
