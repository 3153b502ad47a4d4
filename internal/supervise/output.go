package supervise

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxLine is the longest line that is passed on whole, in bytes.
	maxLine = 8 << 10
	// maxQueuedLines is how far Output may lag behind before lines are dropped.
	maxQueuedLines = 512
	// outputEnd is how long the end of output is waited for, after a worker is gone or at the end of all.
	outputEnd = time.Second
)

// lineWriter passes lines of all workers to one writer. Its write never blocks.
type lineWriter struct {
	to      io.Writer
	lines   chan []byte
	dropped prometheus.Counter
	done    chan struct{}
}

func newLineWriter(to io.Writer, dropped prometheus.Counter) *lineWriter {
	if to == nil {
		to = io.Discard
	}
	w := &lineWriter{to: to, lines: make(chan []byte, maxQueuedLines), dropped: dropped, done: make(chan struct{})}
	go w.run()
	return w
}

func (w *lineWriter) run() {
	defer close(w.done)
	for line := range w.lines {
		w.to.Write(line) // a log that cannot be written must not end the service
	}
}

func (w *lineWriter) write(line []byte) {
	select {
	case w.lines <- line:
	default:
		w.dropped.Inc()
	}
}

// close waits for the lines that are queued, but not for a writer that is stuck: its goroutine ends when its Write does.
func (w *lineWriter) close() {
	close(w.lines)
	select {
	case <-w.done:
	case <-time.After(outputEnd):
	}
}

// outputs are the two pipes a worker writes to.
type outputs struct {
	stdout, stderr *os.File // our ends
	readers        sync.WaitGroup
	stderrDone     chan struct{}

	mu   sync.Mutex
	last string // last line of standard error
}

// openOutputs makes the pipes and returns the worker's ends, which the caller closes once the worker is started.
func openOutputs() (o *outputs, stdout, stderr *os.File, err error) {
	o = &outputs{stderrDone: make(chan struct{})}
	o.stdout, stdout, err = os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	o.stderr, stderr, err = os.Pipe()
	if err != nil {
		o.stdout.Close()
		stdout.Close()
		return nil, nil, nil, err
	}
	return o, stdout, stderr, nil
}

// read passes lines on, each behind prefix, until both pipes end; changed is called when standard error does.
func (o *outputs) read(prefix string, to *lineWriter, changed func()) {
	emit := func(line []byte) { to.write(append(append([]byte(prefix), line...), '\n')) }
	o.readers.Go(func() { readLines(o.stdout, emit) })
	o.readers.Go(func() {
		readLines(o.stderr, func(line []byte) {
			if text := bytes.TrimSpace(line); len(text) > 0 {
				o.mu.Lock()
				o.last = string(text)
				o.mu.Unlock()
			}
			emit(line)
		})
		close(o.stderrDone)
		changed()
	})
}

func (o *outputs) lastError() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// expire ends the readers soon, even if a process that left its group still holds the pipes.
func (o *outputs) expire() {
	deadline := time.Now().Add(outputEnd)
	o.stdout.SetReadDeadline(deadline)
	o.stderr.SetReadDeadline(deadline)
}

// close closes our ends after the readers have ended.
func (o *outputs) close() {
	o.readers.Wait()
	o.stdout.Close()
	o.stderr.Close()
}

// readLines calls emit for each line until the end of r, without its newline; emit must not keep it. Of a line longer
// than maxLine the beginning is passed on, with a mark.
func readLines(r io.Reader, emit func(line []byte)) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			emit(append(bytes.Clone(line), " … (line cut)"...))
			err = discardLine(in)
			line = nil
		}
		if end := bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			emit(end)
		}
		if err != nil {
			return
		}
	}
}

func discardLine(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
