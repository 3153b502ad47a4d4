package endpoints_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each is a merge.Source.
var (
	_ merge.Source = endpoints.DirSource{}
	_ merge.Source = endpoints.PortsSource{}
	_ merge.Source = endpoints.URLSource{}
)

func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "tc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func socket(t *testing.T, path string) {
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

func names(t *testing.T, s merge.Source) string {
	list, err := s.Endpoints(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Network+":"+filepath.Base(e.Address))
	}
	return strings.Join(out, " ")
}

func TestM12OnlySocketsOfADirectoryAreTaken(t *testing.T) {
	dir, elsewhere := shortDir(t), shortDir(t)
	socket(t, filepath.Join(dir, "20.sock"))
	socket(t, filepath.Join(dir, "10.sock"))
	socket(t, filepath.Join(dir, "10.other"))
	socket(t, filepath.Join(elsewhere, "99.sock"))
	for _, err := range []error{
		os.Symlink(filepath.Join(elsewhere, "99.sock"), filepath.Join(dir, "link.sock")),
		syscall.Mkfifo(filepath.Join(dir, "pipe.sock"), 0o600),
		os.WriteFile(filepath.Join(dir, "file.sock"), nil, 0o600),
		os.Mkdir(filepath.Join(dir, "dir.sock"), 0o700),
		os.Truncate(filepath.Join(dir, "file.sock"), 1<<40), // sparse
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, want := names(t, endpoints.Dir(dir)), "unix:10.sock unix:20.sock"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestM11ADirectoryThatIsNotThereIsAnErrorWithAHint(t *testing.T) {
	_, err := endpoints.Dir(filepath.Join(shortDir(t), "gone")).Endpoints(context.Background())
	if err == nil || hint.Of(err) == "" {
		t.Errorf("the error is %v", err)
	}
	if got := names(t, endpoints.Dir(shortDir(t))); got != "" {
		t.Errorf("an empty directory has %q", got)
	}
}

func TestOfTooManySocketsTheNewestAreTaken(t *testing.T) {
	dir := shortDir(t)
	for i := range 300 {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%03d.sock", i))
		err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
		syscall.Close(fd) // left behind, as by a worker that was killed
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := endpoints.Dir(dir).Endpoints(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 256 || filepath.Base(list[255].Address) != "299.sock" {
		t.Errorf("%d endpoints, the last %v", len(list), list[len(list)-1])
	}
}

func TestPortsAreARange(t *testing.T) {
	s, err := endpoints.Ports("127.0.0.1", 5001, 3)
	if err != nil {
		t.Fatal(err)
	}
	list, _ := s.Endpoints(context.Background())
	if len(list) != 3 || list[0].Address != "127.0.0.1:5001" || list[2].Address != "127.0.0.1:5003" {
		t.Errorf("%v", list)
	}
	for _, c := range []struct{ start, n int }{{0, 4}, {5001, 0}, {65535, 2}, {-1, 1}} {
		if _, err := endpoints.Ports("127.0.0.1", c.start, c.n); err == nil || hint.Of(err) == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestAnAddressIsOneEndpoint(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:8000/metrics": "127.0.0.1:8000", "https://clicks.example/m?x=1": "clicks.example:443", "http://[::1]/metrics": "[::1]:80",
	} {
		s, err := endpoints.URL(address)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := s.Endpoints(context.Background())
		if len(list) != 1 || list[0].Address != want || list[0].URL != address {
			t.Errorf("%s: %+v", address, list)
		}
	}
	for _, address := range []string{"", "clicks:8000", "ftp://a/b", "http://", "http://user:secret@a/metrics", "http://a b/"} {
		_, err := endpoints.URL(address)
		if err == nil || hint.Of(err) == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
