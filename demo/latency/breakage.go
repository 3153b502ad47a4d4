package latency

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Breakage is what is wrong with the service on purpose.
type Breakage struct {
	Slow    bool      `json:"slow"`
	Failing bool      `json:"failing"`
	Since   time.Time `json:"since,omitzero"`
}

// Broken reports whether anything is.
func (b Breakage) Broken() bool { return b.Slow || b.Failing }

// maxSwitch is more than the file ever has, in bytes.
const maxSwitch = 4 << 10

// A fileSwitch tells all workers whether they are broken: by a file that is there as long as they are. Every request reads
// it, so that the very next request in any worker that shares the file is served as it says. It outlives the workers.
type fileSwitch struct{ path string }

// read returns what the file says. Without a file nothing is broken.
func (s fileSwitch) read() (Breakage, error) {
	file, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return Breakage{}, nil
	}
	if err != nil {
		return Breakage{}, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSwitch))
	if err != nil {
		return Breakage{}, err
	}
	var b Breakage
	if err := json.Unmarshal(content, &b); err != nil {
		return Breakage{}, fmt.Errorf("%s does not say what is broken: %w: remove it, or post to /repair", s.path, err)
	}
	return b, nil
}

// set writes the file, or removes it. Other workers see the old state or the new one, never half of it.
func (s fileSwitch) set(b Breakage) error {
	if !b.Broken() {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	content, err := json.Marshal(b)
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*")
	if err != nil {
		return err
	}
	_, err = fresh.Write(append(content, '\n'))
	if err = errors.Join(err, fresh.Chmod(0o644), fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), s.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	return nil
}
