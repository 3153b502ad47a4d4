package state

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is also the process that saves and is killed, or that finds no room.
func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		roles[role]()
		return
	}
	goleak.VerifyTestMain(m)
}
