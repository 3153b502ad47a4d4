package python

import (
	"os"
	"path/filepath"
	"testing"
)

// TestM24ARestartWipesTheDirectoryAndTheTotalsStand restarts a program in the same directory, which it wipes, as the documentation of
// Python's client asks for. That client itself then begins at 0; the sidecar does not, and adds what is new.
func TestM24ARestartWipesTheDirectoryAndTheTotalsStand(t *testing.T) {
	t.Parallel()
	for _, program := range []program{programs[1], programs[3]} {
		t.Run(program.name, func(t *testing.T) {
			s := need(t, program)
			dir := filepath.Join(t.TempDir(), "metrics")
			server := s.run(t, "PROMETHEUS_MULTIPROC_DIR="+dir)
			_, merged := startSidecar(t, "--python-dir", dir)
			visit := s.visitors(t)

			before, all := newAccount(), newAccount()
			startLoad(t, s.base, before, 120, visit...).finish()
			known, _, _, _ := before.now()
			all.add(known, true)
			before.check(t, "prometheus_client", clientsOwn(t, s.interpreter, dir))
			all.check(t, "the sidecar", fetch(t, merged))
			server.stop()
			// What the last run has left, of a process that can have no file any more.
			left := filepath.Join(dir, "counter_1.db")
			if err := os.WriteFile(left, make([]byte, 1<<16), 0o600); err != nil {
				t.Fatal(err)
			}

			s.run(t, "PROMETHEUS_MULTIPROC_DIR="+dir)
			if _, err := os.Stat(left); err == nil {
				t.Error("the directory was not wiped")
			}
			all.check(t, "the sidecar after the restart", fetch(t, merged))
			after := newAccount()
			startLoad(t, s.base, after, 70, visit...).finish()
			known, _, _, _ = after.now()
			all.add(known, true)
			after.check(t, "prometheus_client, which knows of the second run alone", clientsOwn(t, s.interpreter, dir))
			all.check(t, "the sidecar after more", fetch(t, merged))
		})
	}
}
