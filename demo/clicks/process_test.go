package clicks_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/clicks"
)

func runProgram() error {
	return clicks.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr)
}

// program is a running clicks program.
type program struct {
	*exec.Cmd
	t     *testing.T
	mu    sync.Mutex
	lines []string
	ended chan error
}

// startProgram starts clicks as a process of its own with these variables.
func startProgram(t *testing.T, env ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(os.Args[0]), t: t, ended: make(chan error, 1)}
	p.Env = append(os.Environ(), append([]string{asProgram + "=1", "PORT=0", "LOG_LEVEL=info"}, env...)...)
	out, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, scanner.Text())
			p.mu.Unlock()
		}
		p.ended <- p.Wait()
	}()
	t.Cleanup(func() {
		p.Process.Kill()
		<-p.ended
	})
	return p
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// wait returns how the program ended.
func (p *program) wait() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(time.Minute):
		p.t.Fatalf("the program does not end:\n%s", p.output())
		return nil
	}
}

var serving = regexp.MustCompile(`msg=serving .*pid=(\d+) address=(\S+) metrics=(\S+)`)

// workers returns pid, address and metrics endpoint of the workers that have begun to serve, once there are n.
func (p *program) workers(n int) [][]string {
	p.t.Helper()
	var found [][]string
	eventually(p.t, func() error {
		if found = serving.FindAllStringSubmatch(p.output(), -1); len(found) < n {
			return fmt.Errorf("%d of %d workers serve:\n%s", len(found), n, p.output())
		}
		return nil
	})
	return found
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

// freeRange finds ports that are free now, one after another.
func freeRange(t *testing.T, n int) int {
	t.Helper()
	for start := 20000 + os.Getpid()%20000; start < 60000; start += n {
		free := 0
		for port := start; port < start+n; port++ {
			if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
				l.Close()
				free++
			}
		}
		if free == n {
			return start
		}
	}
	t.Fatal("no free ports")
	return 0
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

func TestAThousandClicksOnFourWorkersUnderScrapesAreExactlyAThousand(t *testing.T) {
	start := freeRange(t, 4)
	p := startProgram(t, "WEB_CONCURRENCY=4", fmt.Sprintf("METRICS_START_PORT=%d", start))
	workers := p.workers(4)
	url := "http://" + workers[0][2]

	var clicking, scraping sync.WaitGroup
	stop := make(chan struct{})
	for i := range 8 {
		scraping.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					get(t, "http://"+workers[i%4][3]+"/metrics").Close()
				}
			}
		})
	}
	for range 20 {
		clicking.Go(func() {
			for range 50 {
				answer, err := client.Post(url+"/click-button", "", nil)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if answer.StatusCode != 200 {
					t.Errorf("status %d", answer.StatusCode)
				}
			}
		})
	}
	clicking.Wait()
	close(stop)
	scraping.Wait()

	sum, busy := 0.0, 0
	for port := start; port < start+4; port++ {
		body := get(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
		n := counted(t, body)
		body.Close()
		sum += n
		if n > 0 {
			busy++
		}
	}
	if sum != 1000 || busy < 2 {
		t.Errorf("%v clicks counted by %d workers, want 1000 by several", sum, busy)
	}
	p.Process.Signal(syscall.SIGTERM)
	if err := p.wait(); err != nil {
		t.Errorf("ended with %v:\n%s", err, p.output())
	}
}

func get(t *testing.T, url string) io.ReadCloser {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return io.NopCloser(strings.NewReader(""))
	}
	return answer.Body
}

func TestAProgramThatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"the port is taken":                  {[]string{"PORT=" + port}, "is in use"},
		"the port is taken, several workers": {[]string{"PORT=" + port, "WEB_CONCURRENCY=2"}, "set PORT to another"},
		"a setting is nonsense":              {[]string{"WEB_CONCURRENCY=x"}, "WEB_CONCURRENCY"},
		"the metrics ports are too few":      {[]string{"WEB_CONCURRENCY=1", "METRICS_START_PORT=" + port}, port},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProgram(t, c.env...)
			err := p.wait()
			var exit *exec.ExitError
			if !asExit(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(p.output(), c.want) {
				t.Errorf("%v, want exit code 1 and %q in:\n%s", err, c.want, p.output())
			}
		})
	}
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}
