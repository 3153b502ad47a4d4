// Package endpoints finds the metrics endpoints of a replica's workers: sockets in a directory, a range of ports, or one
// address. Each is a merge.Source and may be used concurrently.
package endpoints

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
)

// maxSockets bounds how many sockets of a directory are listed, and maxEntries how many of its entries are looked at.
const (
	maxSockets = 256
	maxEntries = 10_000
)

// DirSource lists the unix sockets of a directory. Make one with [Dir].
type DirSource struct{ path string }

// Dir lists *.sock of a directory, anew at each reading: what a worker opens there is merged, what it removes is not.
// Only sockets are taken: links, pipes, devices and files of that name are passed over, so nobody who can write to the
// directory can lead a reading elsewhere or block it. Of more than 256 sockets the newest are taken, since those left by
// workers that were killed are the old ones. The order is that of the names. A directory that isn't there is an error.
func Dir(path string) DirSource { return DirSource{path} }

// Endpoints lists the sockets there are now.
func (d DirSource) Endpoints(context.Context) ([]merge.Endpoint, error) {
	dir, err := os.Open(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Errorf("workers create their sockets in an existing directory: was it removed?", "directory of worker sockets: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("directory of worker sockets: %w", err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxEntries)
	if err != nil && len(entries) == 0 && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("directory of worker sockets: %w", err)
	}
	sockets := d.sockets(entries)
	if len(sockets) > maxSockets {
		slices.SortFunc(sockets, func(a, b socket) int { return b.since.Compare(a.since) })
		sockets = sockets[:maxSockets]
	}
	slices.SortFunc(sockets, func(a, b socket) int { return strings.Compare(a.path, b.path) })
	out := make([]merge.Endpoint, len(sockets))
	for i, s := range sockets {
		out[i] = merge.Endpoint{Network: "unix", Address: s.path}
	}
	return out, nil
}

type socket struct {
	path  string
	since time.Time
}

func (d DirSource) sockets(entries []fs.DirEntry) []socket {
	var out []socket
	for _, e := range entries {
		if e.Type() != fs.ModeSocket || !strings.HasSuffix(e.Name(), ".sock") {
			continue
		}
		info, err := e.Info() // does not follow links; fails if it was just removed
		if err != nil || info.Mode().Type() != fs.ModeSocket {
			continue
		}
		out = append(out, socket{filepath.Join(d.path, e.Name()), info.ModTime()})
	}
	return out
}

// PortsSource lists a range of ports. Make one with [Ports].
type PortsSource struct{ list []merge.Endpoint }

// Ports lists host:start to host:start+n-1. A port where nobody listens is no fault: no worker has taken it yet.
func Ports(host string, start, n int) (PortsSource, error) {
	if n < 1 || start < 1 || start+n-1 > 65535 {
		return PortsSource{}, hint.Errorf("ports are between 1 and 65535, and there is at least one worker", "worker ports %d to %d are no port range", start, start+n-1)
	}
	s := PortsSource{}
	for port := start; port < start+n; port++ {
		s.list = append(s.list, merge.Endpoint{Network: "tcp", Address: net.JoinHostPort(host, strconv.Itoa(port))})
	}
	return s, nil
}

// Endpoints lists the range.
func (s PortsSource) Endpoints(context.Context) ([]merge.Endpoint, error) { return s.list, nil }

// URLSource is one address. Make one with [URL].
type URLSource struct{ endpoint merge.Endpoint }

// URL is the one endpoint of an http or https address, for a program that has a single process or merges itself.
func URL(address string) (URLSource, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		// The address itself may hold a password and is not repeated.
		return URLSource{}, hint.Errorf("write it as http://127.0.0.1:8000/metrics, without user and password", "the metrics endpoint is not an http address")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return URLSource{merge.Endpoint{Network: "tcp", Address: net.JoinHostPort(u.Hostname(), port), URL: u.String()}}, nil
}

// Endpoints lists the address.
func (s URLSource) Endpoints(context.Context) ([]merge.Endpoint, error) {
	return []merge.Endpoint{s.endpoint}, nil
}
