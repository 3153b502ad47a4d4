package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

const (
	// maxFile bounds a file of rules; an object of Kubernetes, as a ConfigMap that such a file comes from, has at most 1.5 MiB.
	maxFile = 4 << 20
	// quiet is how long files have to be left alone after a change before they are read: an editor writes more than once.
	quiet = 200 * time.Millisecond
	// look is how often files are read without a sign of change: some file systems, as those on the network, give none.
	look = time.Minute
)

// file is one file as it was read.
type file struct {
	path string
	data []byte
	err  error // why it could not be read
}

// readFiles reads files, and of folders all that end in .yaml, .yml or .json. The order is that of the paths; a folder's files
// are in the order of their names. A path that does not exist is a file with that error.
func readFiles(paths []string) []file {
	var all []file
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			all = append(all, file{path: path, err: missing(path, err)})
			continue
		}
		if !info.IsDir() {
			all = append(all, readFile(path))
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			all = append(all, file{path: path, err: err})
			continue
		}
		for _, entry := range entries {
			// A mounted ConfigMap has hidden folders beside the links that lead into them.
			name := entry.Name()
			if !strings.HasPrefix(name, ".") && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
				all = append(all, readFile(filepath.Join(path, name)))
			}
		}
	}
	return all
}

// ReadSources reads the operator's files, and folders of them, as the adapter does when it starts: those that can be read, and
// why others cannot.
func ReadSources(paths []string) (sources []metricrule.Source, err error) {
	var errs []error
	for _, f := range readFiles(paths) {
		if f.err != nil {
			errs = append(errs, f.err)
			continue
		}
		sources = append(sources, metricrule.Source{Name: f.path, Data: f.data})
	}
	return sources, errors.Join(errs...)
}

func missing(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return hint.Errorf("give the path of a file or folder that exists", "%s does not exist", path)
	}
	return err
}

func readFile(path string) file {
	f, err := os.Open(path)
	if err != nil {
		return file{path: path, err: missing(path, err)}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	if err != nil {
		return file{path: path, err: err}
	}
	return file{path: path, data: data}
}

// watchFiles calls changed after one of the files may have changed, until ctx is done. It watches folders, not files: an
// editor, and the kubelet at an update of a ConfigMap, puts another file or link in the place of the old one.
func watchFiles(ctx context.Context, paths []string, logger *slog.Logger, changed func()) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		logger.Warn("files are read every minute only, because they cannot be watched", "err", err)
		watcher = &fsnotify.Watcher{}
	} else {
		defer watcher.Close()
		for _, dir := range folders(paths) {
			if err := watcher.Add(dir); err != nil {
				logger.Warn("a folder is read every minute only, because it cannot be watched", "folder", dir, "err", err)
			}
		}
	}
	regularly := time.NewTicker(look)
	defer regularly.Stop()
	settle := time.NewTimer(0)
	<-settle.C
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-watcher.Events:
			settle.Reset(quiet)
		case err := <-watcher.Errors:
			logger.Warn("watching files", "err", err)
		case <-settle.C:
			changed()
		case <-regularly.C:
			changed()
		}
	}
}

// folders returns what has to be watched to see changes of the paths: themselves if they are folders, else where they are.
func folders(paths []string) []string {
	var all []string
	for _, path := range paths {
		dir := filepath.Dir(path)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			dir = path
		}
		if !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}
