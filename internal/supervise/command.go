package supervise

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/truecount/truecount/internal/hint"
)

// resolveCommand returns the absolute path of the command's program, so that a mistake is told before anything is
// started, and so that the working directory cannot change what it means.
func resolveCommand(o *Options) (string, error) {
	if len(o.Command) == 0 || o.Command[0] == "" {
		return "", hint.Errorf("give the program to run, as in spec.command: [clicks]", "%s: no command given", o.Name)
	}
	if o.Dir != "" {
		if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
			return "", hint.Errorf("create it, or correct the path", "%s: working directory %s is not a directory", o.Name, o.Dir)
		}
	}
	program := o.Command[0]
	if strings.Contains(program, "/") && !filepath.IsAbs(program) {
		abs, err := filepath.Abs(filepath.Join(o.Dir, program))
		if err != nil {
			return "", err
		}
		program = abs
	}
	path, err := exec.LookPath(program)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return "", commandError(o.Name, o.Command[0], err)
	}
	return filepath.Abs(path)
}

func commandError(name, program string, err error) error {
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = lookup.Err
	}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return hint.Errorf("install it, or give the path of the program", "%s: command %q is not found in PATH", name, program)
	case errors.Is(err, fs.ErrNotExist):
		return hint.Errorf("build it, or correct the path", "%s: command %q does not exist", name, program)
	case errors.Is(err, fs.ErrPermission):
		return hint.Errorf("make it executable: chmod +x "+program, "%s: command %q may not be executed", name, program)
	}
	return hint.Errorf("give the path of a program", "%s: command %q: %w", name, program, err)
}
