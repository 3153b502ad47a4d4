package app

import (
	"path/filepath"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/supervise"
)

// pythonVariable tells Python's client where to write.
const pythonVariable = "PROMETHEUS_MULTIPROC_DIR"

// pythonDir is the directory to which the workers of an application write.
type pythonDir struct {
	path    string // absolute: the program may run in another folder
	shared  bool   // by replicas, each of which has a directory of its own in it
	release func() error
}

// claimPythonDir makes the directory and keeps other applications out of it: they would remove each other's counts.
func (s *service) claimPythonDir(dir string) (*pythonDir, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		var release func() error
		if release, err = pydir.Claim(path); err == nil {
			_, most := s.application.Replicas()
			return &pythonDir{path: path, shared: most > 1, release: release}, nil
		}
	}
	return nil, s.application.Errorf("spec.workers.metrics.pythonDir", hint.Of(err), "%v", err)
}

// of is the directory of one replica.
func (d *pythonDir) of(replica string) string {
	if d.shared {
		return filepath.Join(d.path, replica)
	}
	return d.path
}

// metrics is what the supervisor has to know of it.
func (d *pythonDir) metrics() supervise.Metrics {
	return supervise.Directory{Variable: pythonVariable, Of: d.of, Clean: pydir.Clean}
}
