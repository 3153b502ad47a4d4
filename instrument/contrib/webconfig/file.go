package webconfig

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
)

// maxFileBytes bounds what is read of a file that is not what it should be.
const maxFileBytes = 1 << 20

// file is the web configuration file, which others may change at any time.
type file struct {
	path      string
	anonymous bool
	logger    *slog.Logger

	mu      sync.Mutex
	last    state
	content []byte // that last is about
	told    string // the problem that requests have now, "" if none
}

// state is what the file was when it was read.
type state struct {
	stamp       stamp
	problem     error
	users, tls  bool
	clientCerts bool // required and verified
}

// stamp tells one version of the file from another.
type stamp struct {
	info    fs.FileInfo
	size    int64
	changed time.Time
	asked   time.Time // before the file system was
}

func newStamp(info fs.FileInfo, asked time.Time) stamp {
	return stamp{info: info, size: info.Size(), changed: changed(info), asked: asked}
}

func (s stamp) same(o stamp) bool {
	return s.info != nil && o.info != nil && os.SameFile(s.info, o.info) && s.size == o.size && s.changed.Equal(o.changed)
}

// How coarse the clocks of file systems are: a tick of the kernel, or two seconds (FAT) where there are no fractions.
const (
	fineClock   = 50 * time.Millisecond
	coarseClock = 2 * time.Second
)

// settles returns how long after the stamp was taken a change could still leave the same stamp; 0 or less if any
// change since makes another one.
func (s stamp) settles() time.Duration {
	clock := fineClock
	if s.changed.Nanosecond() == 0 {
		clock = coarseClock
	}
	age := s.asked.Sub(s.changed)
	if age < -coarseClock {
		return 0 // set to the future by hand: a change would be dated now
	}
	return min(clock-age, coarseClock)
}

// read reads the file. What it says is worked out again only when its content has changed.
func (f *file) read() state {
	content, at, err := f.load()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.content = nil
		return state{problem: fmt.Errorf("the web configuration file can't be read: %w", err)}
	}
	if f.content == nil || !bytes.Equal(content, f.content) {
		f.last, f.content = f.parse(content), content
	}
	f.last.stamp = at
	return f.last
}

func (f *file) load() ([]byte, stamp, error) {
	asked := time.Now()
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, stamp{}, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return nil, stamp{}, err
	}
	if !info.Mode().IsRegular() {
		return nil, stamp{}, fmt.Errorf("%s is not a regular file", f.path)
	}
	content, err := io.ReadAll(io.LimitReader(opened, maxFileBytes+1))
	if err == nil && len(content) > maxFileBytes {
		err = fmt.Errorf("%s has more than %d bytes", f.path, maxFileBytes)
	}
	return content, newStamp(info, asked), err
}

// version returns the stamp of the file as it is now.
func (f *file) version() stamp {
	asked := time.Now()
	info, err := os.Stat(f.path)
	if err != nil {
		return stamp{}
	}
	return newStamp(info, asked)
}

func (f *file) parse(content []byte) state {
	var config web.Config
	if err := yaml.UnmarshalStrict(content, &config); err != nil {
		return state{problem: refused(f.path, err)}
	}
	return state{
		users: len(config.Users) > 0, tls: config.TLSConfig.IsEnabled(),
		clientCerts: config.TLSConfig.ClientAuth == "RequireAndVerifyClientCert",
	}
}

// authenticates reports whether clients must prove who they are, or need not.
func (f *file) authenticates(s state, ownListener bool) bool {
	return f.anonymous || s.users || ownListener && s.tls && s.clientCerts
}

func (f *file) nobodyAsked() error {
	return fmt.Errorf("the web configuration file %s asks nobody for a password: give it basic_auth_users "+
		"(or, on a listener of its own, client_auth_type: RequireAndVerifyClientCert), or set webconfig.Options.AllowAnonymous", f.path)
}

// report logs a problem of a request once, and its end.
func (f *file) report(problem error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case problem != nil && problem.Error() != f.told:
		f.told = problem.Error()
		f.logger.Error("metrics are served to nobody", "error", problem)
	case problem == nil && f.told != "":
		f.told = ""
		f.logger.Info("the web configuration file is good again", "file", f.path)
	}
}

// good reports whether requests can be served.
func (f *file) good() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told == ""
}
