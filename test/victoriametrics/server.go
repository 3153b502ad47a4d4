// Package victoriametrics runs Debian's VictoriaMetrics for tests: a server of Prometheus' API that is not Prometheus, with an
// engine, a cache and a notion of now that are its own.
package victoriametrics

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/process"
	"github.com/truecount/truecount/test/tool"
)

// Server is one that runs until the test ends.
type Server struct{ URL string }

// Start starts a server that has nothing and keeps ten years.
func Start(t testing.TB) *Server {
	t.Helper()
	program, dir := tool.Need(t, "victoria-metrics"), t.TempDir()
	s := &Server{}
	var p *process.Process
	start := func() {
		address := freeAddress(t)
		var err error
		p, err = process.Start("victoria-metrics", dir, exec.Command(program,
			"-httpListenAddr="+address, "-storageDataPath="+dir+"/data", "-retentionPeriod=10y"))
		if err != nil {
			t.Fatal(err)
		}
		s.URL = "http://" + address
	}
	start()
	t.Cleanup(func() { p.Stop(30 * time.Second) })
	await.True(t, "VictoriaMetrics is healthy", func() bool {
		select {
		case <-p.Done(): // somebody else took the port
			log, _ := os.ReadFile(p.Log)
			t.Logf("started again: %s", log)
			start()
		default:
		}
		return do(http.MethodGet, s.URL+"/health", "") == nil
	})
	return s
}

// Import takes in samples in Prometheus' text format, with times in milliseconds. They are there when it returns.
func (s *Server) Import(t testing.TB, text string) {
	t.Helper()
	if err := do(http.MethodPost, s.URL+"/api/v1/import/prometheus", text); err != nil {
		t.Fatal(err)
	}
	if err := do(http.MethodGet, s.URL+"/internal/force_flush", ""); err != nil {
		t.Fatal(err)
	}
}

func do(method, url, body string) error {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s %s %v", url, response.Status, text, err)
	}
	return nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
