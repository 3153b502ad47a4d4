package guides

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/test/script"
)

// patience ends a walk that hangs; nothing is measured with it. The first build on a machine that does other things as
// well is what it is long for.
const patience = 8 * time.Minute

// shell is the one shell in which a page is walked through. Directories and ports of the page are replaced by free ones,
// as others may have those; the commands are the page's otherwise.
type shell struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      io.WriteCloser
	lines   chan string
	replace map[string]string
}

var replaceable = regexp.MustCompile(`/tmp/(?:true|auth|python|replay|adapter)\b|\b(?:800[01]|9090|9300|500[1-5])\b`)

func newShell(t *testing.T) *shell {
	t.Helper()
	ports := []string{"5001", "5002", "5003", "5004", "5005", "8000", "8001", "9090", "9300"}
	first, err := script.FreeRange(len(ports))
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, lines: make(chan string, 100), replace: map[string]string{}}
	for _, dir := range []string{"/tmp/true", "/tmp/auth", "/tmp/python", "/tmp/replay", "/tmp/adapter"} {
		s.replace[dir] = t.TempDir()
	}
	for i, port := range ports {
		s.replace[port] = strconv.Itoa(first + i)
	}
	s.cmd = exec.Command("bash")
	if s.cmd.Dir, err = filepath.Abs(filepath.Join("..", "..")); err != nil { // a checkout
		t.Fatal(err)
	}
	s.cmd.Env = withoutProxies(os.Environ())
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = s.cmd.Stdout // as on a terminal
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.lines)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			s.lines <- scanner.Text()
		}
	}()
	t.Cleanup(s.end)
	return s
}

// withoutProxies keeps requests to this machine on this machine.
func withoutProxies(environment []string) []string {
	return append(environment, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
}

// end kills what is left of the shell's group: a page that is right has ended its programs itself.
func (s *shell) end() {
	_ = s.in.Close()
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	for range s.lines { // until all that writes there is gone
	}
	_ = s.cmd.Wait()
}

// here puts the replacements into a text of the page.
func (s *shell) here(text string) string {
	return replaceable.ReplaceAllStringFunc(text, func(found string) string { return s.replace[found] })
}

const ended = "--command ended with status "

// run runs one command and returns its output and exit status.
func (s *shell) run(text string) (output string, status int) {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.in, "%s\ncode=$?; echo; echo '%s'$code\n", s.here(text), ended); err != nil {
		s.t.Fatalf("%s: the shell is gone: %v", text, err)
	}
	began := time.Now()
	defer func() { s.t.Logf("%.1f s: $ %s\n%s", time.Since(began).Seconds(), text, output) }()
	var out strings.Builder
	deadline := time.After(patience)
	for {
		select {
		case line, open := <-s.lines:
			if !open {
				s.t.Fatalf("%s: the shell ended:\n%s", text, &out)
			}
			code, over := strings.CutPrefix(line, ended)
			if !over {
				out.WriteString(line + "\n")
				continue
			}
			status, err := strconv.Atoi(code)
			if err != nil {
				s.t.Fatal(err)
			}
			return strings.TrimSuffix(strings.TrimSuffix(out.String(), "\n"), "\n") + "\n", status
		case <-deadline:
			s.t.Fatalf("%s: no end in %v:\n%s", text, patience, &out)
		}
	}
}
