package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// large is more than the buffers of a connection take.
func large(w *pydirtest.Worker) {
	for i := range 4000 {
		w.Counter("clicks", "Clicks.", pydirtest.Label{Name: "n", Value: strings.Repeat("x", 4000) + fmt.Sprint(i)}).Add(1)
	}
}

// slowScrape asks for the metrics and reads one byte of the answer.
func slowScrape(t *testing.T, metrics string) (net.Conn, *bufio.Reader) {
	t.Helper()
	at, err := url.Parse(metrics)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slow.Close() })
	fmt.Fprintf(slow, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", at.Host)
	r := bufio.NewReaderSize(slow, 16)
	if _, err := r.Peek(1); err != nil {
		t.Fatal(err)
	}
	return slow, r
}

func TestAScrapeUnderWayIsAnsweredWholeWhenTheSidecarEnds(t *testing.T) {
	s := start(t, "--python-dir", directory(t, large))
	_, r := slowScrape(t, s.url)
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || int64(len(body)) != response.ContentLength || strings.Count(string(body), "\nclicks_total{") != 4000 {
		t.Errorf("of %d bytes it got %d, %v", response.ContentLength, len(body), err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// nobody is the user of the image.
const nobody = 65532

// TestTheSidecarWritesNowhere runs it, where this test may, as the image's user, who can write to nothing: neither to its folder
// nor to where temporary files are.
func TestTheSidecarWritesNowhere(t *testing.T) {
	dir := directory(t, threeClicks)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "truecount-sidecar") // its name says that it is to be the program
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	nowhere := t.TempDir()
	cmd := exec.Command(program, "--python-dir", dir, "--listen", "127.0.0.1:0")
	cmd.Dir, cmd.Env = nowhere, []string{"TMPDIR=" + nowhere, "HOME=" + nowhere}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		chown(t, dir)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	url, isReady := strings.CutPrefix(strings.TrimSpace(line), "ready: ")
	if !isReady {
		t.Fatalf("it said %q, %v: %s", line, err, log)
	}
	if status, body := get(t, http.DefaultClient, url, "", ""); status != http.StatusOK || !strings.Contains(body, "\nclicks_total 3\n") {
		t.Errorf("it answers %d: %s", status, body)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, log)
	}
	if left, err := os.ReadDir(nowhere); err != nil || len(left) > 0 {
		t.Errorf("it wrote %v, %v", left, err)
	}
}

// chown gives a directory and its files to the image's user, and lets that user reach it.
func chown(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chown(filepath.Join(dir, e.Name()), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { // of all temporary folders of the test
		t.Fatal(err)
	}
}
