package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// python is a process with Python's client, which merges a directory when it is told to.
type python struct {
	name       string // the client's and Python's versions
	generation pydirtest.Generation
	cmd        *exec.Cmd
	asks       io.WriteCloser
	answers    *bufio.Reader
	peak       int64 // bytes resident, the most so far
}

// startPython starts the peer and returns when its client is imported.
func startPython(ctx context.Context, interpreter, script, dir string) (*python, error) {
	p := &python{cmd: exec.CommandContext(ctx, interpreter, script, dir)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.asks, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.answers = bufio.NewReader(out)
	line, err := p.answers.ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s %s ended before it said which client it has", interpreter, script)
	}
	name, generation, _ := strings.Cut(strings.TrimSpace(line), "\t")
	p.name = name
	for _, g := range []pydirtest.Generation{pydirtest.Before016, pydirtest.Since016, pydirtest.Since018} {
		if g.String() == generation {
			p.generation = g
			return p, nil
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s writes files of a generation that is not known here: %q", name, generation)
}

// scrape has the directory merged. The time is Python's own measurement: what passes through the pipe afterwards is not in it.
func (p *python) scrape(compressed bool) (page []byte, took time.Duration, err error) {
	ask := "text\n"
	if compressed {
		ask = "gzip\n"
	}
	if _, err := io.WriteString(p.asks, ask); err != nil {
		return nil, 0, err
	}
	line, err := p.answers.ReadString('\n')
	if err != nil {
		return nil, 0, fmt.Errorf("the client in Python ended: %w", err)
	}
	var length int
	if _, err := fmt.Sscan(line, &took, &p.peak, &length); err != nil {
		return nil, 0, fmt.Errorf("the client in Python said %q: %w", line, err)
	}
	page = make([]byte, length)
	_, err = io.ReadFull(p.answers, page)
	return page, took, err
}

// stop ends the process.
func (p *python) stop() {
	_ = p.asks.Close() // the script ends with its input
	_ = p.cmd.Wait()
}

// withClient returns the first Python that has the client, or "". Debian's own has Debian's packages, whatever another
// python3 comes first in PATH.
func withClient(ctx context.Context) string {
	for _, interpreter := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(ctx, interpreter, "-c", "import prometheus_client").Run() == nil {
			return interpreter
		}
	}
	return ""
}
