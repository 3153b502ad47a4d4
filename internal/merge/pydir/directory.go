package pydir

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/hint"
)

// directory is the listed directory, held open.
type directory struct {
	path     string
	fd       *os.File
	owner    uint32
	modified int64     // when its entries changed last, as of the last listing
	listed   time.Time // when that began
}

// settled is how long a directory must not have changed before its modification time tells that it still has not: the
// clock of a file system is coarse, and two changes within one of its ticks look like one.
const settled = time.Second

func (d *directory) close() {
	if d.fd != nil {
		_ = d.fd.Close()
		d.fd = nil
	}
}

// reopen makes sure that what is open is what the path leads to. It reports whether that is another directory now.
func (d *directory) reopen() (another bool, err error) {
	info, err := os.Stat(d.path) // a link to the directory is the operator's own
	if err == nil && d.fd != nil {
		have, err := d.fd.Stat()
		if err == nil && os.SameFile(info, have) {
			return false, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		another = d.fd != nil // it is gone, and its files with it
		d.close()
		return another, hint.Errorf("it is the application's PROMETHEUS_MULTIPROC_DIR, which must exist before its workers start", "%w", err)
	case err != nil:
		return false, fmt.Errorf("directory of worker files: %w", err)
	case !info.IsDir():
		return false, hint.Errorf("name the directory of PROMETHEUS_MULTIPROC_DIR", "%s is no directory", d.path)
	}
	fd, err := os.Open(d.path)
	if err != nil {
		return false, hint.Errorf("it must be readable for the user that runs this", "directory of worker files: %w", err)
	}
	another = d.fd != nil
	d.close()
	d.fd, d.listed = fd, time.Time{}
	return another, nil
}

// changed tells whether entries may have come or gone since the last listing. Only entries: what is written to the files
// does not show here.
func (d *directory) changed(now time.Time) (bool, error) {
	s, err := statusOf(int(d.fd.Fd()))
	if err != nil {
		return true, fmt.Errorf("directory of worker files: %w", err)
	}
	same := !d.listed.IsZero() && s.modified == d.modified && d.quiet()
	d.modified, d.owner = s.modified, s.owner
	if !same {
		d.listed = now
	}
	return !same, nil
}

// quiet tells whether the last listing began when entries had not come or gone for a while.
func (d *directory) quiet() bool { return d.listed.Sub(time.Unix(0, d.modified)) > settled }

// entry is a file of the directory that has a name of the client's.
type entry struct {
	fileName
	base string
}

// contents is what a directory has.
type contents struct {
	files    []entry  // of the client, by name
	misnamed []string // others that end in .db
	complete bool     // there is nothing else: the limit was not reached
}

// entries lists the directory.
func (d *directory) entries(limit int) (c contents, err error) {
	fd, err := os.Open(d.path)
	if err != nil {
		return contents{}, fmt.Errorf("directory of worker files: %w", err)
	}
	defer fd.Close()
	for seen := 0; seen < limit && !c.complete; {
		names, err := fd.Readdirnames(1024)
		for _, base := range names {
			switch name, ok := parseName(base); {
			case ok:
				c.files = append(c.files, entry{name, base})
			case strings.HasSuffix(base, suffix):
				c.misnamed = append(c.misnamed, base)
			}
		}
		seen += len(names)
		c.complete = errors.Is(err, io.EOF)
		if err != nil && !c.complete {
			return contents{}, fmt.Errorf("directory of worker files: %w", err)
		}
	}
	slices.SortFunc(c.files, func(a, b entry) int { return cmp.Compare(a.base, b.base) })
	return c, nil
}
