package pydir

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/internal/merge/telemetry"
)

// hangingDisk is a state file on a disk that does not answer.
type hangingDisk struct {
	once    sync.Once
	entered chan struct{}
	answers chan struct{}
}

func (d *hangingDisk) Save([]byte) error {
	d.once.Do(func() { close(d.entered) })
	<-d.answers
	return nil
}

func (d *hangingDisk) Close() error { return nil }

// TestM10ADiskThatHangsHoldsUpNeitherReadingsNorTheEnd has the first saving of the state never end.
func TestM10ADiskThatHangsHoldsUpNeitherReadingsNorTheEnd(t *testing.T) {
	dir := t.TempDir()
	w := pydirtest.NewWorker(dir, "1", pydirtest.Since018)
	defer w.Close()
	clicks := w.Counter("clicks", "Clicks.")
	clicks.Add(1)
	log := &strings.Builder{}
	m, err := New(Options{Dir: dir, Interval: time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	disk := &hangingDisk{entered: make(chan struct{}), answers: make(chan struct{})}
	m.metrics.State = telemetry.New(true).State
	m.keeper.file, m.lastSave = disk, time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = m.Run(ctx)
	}()
	<-disk.entered
	clicks.Add(1)
	for m.Counter("clicks_total").Total != 2 { // nobody reads but Run; a test that hangs here has failed
		runtime.Gosched()
	}
	cancel()
	<-ended
	if said := log.String(); !strings.Contains(said, "did not wait any longer") {
		t.Errorf("the log is %s", said)
	}
	close(disk.answers)
	m.keeping.Lock() // whoever saves still has ended
	defer m.keeping.Unlock()
}
