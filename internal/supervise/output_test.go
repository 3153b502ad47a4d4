package supervise

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestLinesAreReadWholeAndLongOnesAreCut(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"nothing":           {"", nil},
		"two lines":         {"a\nb\n", []string{"a", "b"}},
		"empty line":        {"a\n\nb\n", []string{"a", "", "b"}},
		"no newline at end": {"a\nb", []string{"a", "b"}},
		"windows":           {"a\r\n", []string{"a"}},
		"too long":          {long + "\nb\n", []string{long[:maxLine] + " … (line cut)", "b"}},
		"too long, no end":  {long, []string{long[:maxLine] + " … (line cut)"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			readLines(strings.NewReader(test.in), func(line []byte) { got = append(got, string(line)) })
			if !slices.Equal(got, test.want) {
				t.Errorf("got %d lines, want %d: %.100q", len(got), len(test.want), got)
			}
		})
	}
}

func TestOutputIsPrefixedWithTheWorkersName(t *testing.T) {
	opts := workerOptions(t, "fail")
	opts.Workers = 3
	service := run(t, opts)
	service.until("all failed", func(s Snapshot) bool {
		return len(s.Replicas) == 1 && !slices.ContainsFunc(s.Replicas[0].Workers, func(w Worker) bool { return w.Failures == 0 })
	})
	service.stop()
	for _, line := range []string{"clicks-0/0", "clicks-0/1", "clicks-0/2"} {
		line += " | cannot reach the database\n"
		if out := opts.Output.(*testOutput).String(); !strings.Contains(out, line) {
			t.Errorf("no line %q in %q", line, out)
		}
	}
}

// stuckOutput takes nothing until it is released, like a terminal after Ctrl-S.
type stuckOutput struct{ released chan struct{} }

func (o stuckOutput) Write(p []byte) (int, error) {
	<-o.released
	return io.Discard.Write(p)
}

func TestWorkersNeverWaitForTheOutput(t *testing.T) {
	output := stuckOutput{make(chan struct{})}
	opts := workerOptions(t, "chatter")
	opts.Output = output
	service := run(t, opts)
	service.until("the workers wrote everything", func(s Snapshot) bool { return countReady(s) == 1 })
	if got := testutil.ToFloat64(service.metrics.droppedLines); got < 2*20_000-maxQueuedLines-2 {
		t.Errorf("%v lines dropped", got)
	}
	close(output.released)
}

func FuzzReadLines(f *testing.F) {
	f.Add("a\nb")
	f.Add(strings.Repeat("x", maxLine) + "\r\n\n")
	f.Fuzz(func(t *testing.T, in string) {
		readLines(strings.NewReader(in), func(line []byte) {
			if len(line) > maxLine+len(" … (line cut)") || strings.Contains(string(line), "\n") {
				t.Errorf("line of %d bytes", len(line))
			}
		})
	})
}
