package pydirtest_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/test/tool"
)

// golden is gauge_all_4242.db with Gauge('temp', 'Temp').set(1.5), as the client 0.25 wrote it.
const golden = "40000000000000001c0000005b2274656d70222c202274656d70222c207b7d2c202254656d70225d2020202020202020000000000000f83f0000000000000000"

func TestTheGoldenFileIsWritten(t *testing.T) {
	dir := t.TempDir()
	w := pydirtest.NewWorker(dir, "4242", pydirtest.Since018)
	w.Gauge("all", "temp", "Temp").Set(1.5)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "gauge_all_4242.db"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 65536 || !bytes.Equal(got[:len(want)], want) || !bytes.Equal(got[len(want):], make([]byte, len(got)-len(want))) {
		t.Errorf("%d bytes, %x, want %x and zeros up to 65536", len(got), got[:80], want)
	}
	image := pydirtest.Image(pydirtest.Since018, pydirtest.Entry{Key: pydirtest.Key(pydirtest.Since018, "temp", "temp", "Temp"), Value: 1.5})
	if !bytes.Equal(image, want) {
		t.Errorf("the image is %x, want %x", image, want)
	}
}

// script does with Python's own client what sameByHand does with ours.
const script = `
import math
from prometheus_client import Counter, Gauge, Histogram, Summary
help = 'Help with "quotes", a back\\slash,\ta tab and an \u00e9.'
c = Counter('walks', help, ['dog', 'a'])
for dog in ['rex', 'Fl\u00f6\u00df "chen"', 'a\\b\nc', '\U0001f415', '\x00\x7f\x1f\r\b\f', '']:
    c.labels(dog, 'x').inc(1.5)
Counter('plain_total', '').inc()
for mode in ['all', 'liveall', 'min', 'livemin', 'max', 'livemax', 'sum', 'livesum']:
    Gauge('gauge_' + mode, help, multiprocess_mode=mode).set(-0.1)
s = Summary('size_bytes', help, ['view'])
s.labels('index').observe(3.25)
h = Histogram('latency_seconds', help, ['view'], buckets=[-1.5, 0, 1e-07, 0.00025, .1, 1, 1000000, 1234567, 2.5e6, 1e15, 1e16, 1.5e21])
for v in [-2, 0, 0.3, 1e6, 1e300]:
    h.labels('index').observe(v)
big = Counter('big', 'x' * 100, ['n'])
for n in range(1000):
    big.labels(str(n)).inc(n)
`

func sameByHand(w *pydirtest.Worker) {
	help := "Help with \"quotes\", a back\\slash,\ta tab and an é."
	for _, dog := range []string{"rex", `Flöß "chen"`, "a\\b\nc", "🐕", "\x00\x7f\x1f\r\b\f", ""} {
		w.Counter("walks", help, pydirtest.Label{Name: "dog", Value: dog}, pydirtest.Label{Name: "a", Value: "x"}).Add(1.5)
	}
	w.Counter("plain_total", "").Add(1)
	for _, mode := range pydirtest.Modes[:8] {
		w.Gauge(mode, "gauge_"+mode, help).Set(-0.1)
	}
	view := pydirtest.Label{Name: "view", Value: "index"}
	w.Summary("size_bytes", help, view).Observe(3.25)
	h := w.Histogram("latency_seconds", help, []float64{-1.5, 0, 1e-07, 0.00025, .1, 1, 1000000, 1234567, 2.5e6, 1e15, 1e16, 1.5e21}, view)
	for _, v := range []float64{-2, 0, 0.3, 1e6, 1e300} {
		h.Observe(v)
	}
	for n := range 1000 {
		w.Counter("big", strings.Repeat("x", 100), pydirtest.Label{Name: "n", Value: strconv.Itoa(n)}).Add(float64(n))
	}
}

func TestFilesAreThoseOfPythonsClient(t *testing.T) {
	python := tool.Need(t, "/usr/bin/python3", "python3")
	theirs, ours := t.TempDir(), t.TempDir()
	run := exec.Command(python, "-c", script+"\nimport os, prometheus_client.mmap_dict as m; print(os.getpid(), hasattr(m, '_pack_two_doubles'))")
	run.Env = append(os.Environ(), "PROMETHEUS_MULTIPROC_DIR="+theirs)
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, since018, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	generation := pydirtest.Since016
	if since018 == "True" {
		generation = pydirtest.Since018
	}
	w := pydirtest.NewWorker(ours, pid, generation)
	sameByHand(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, theirs, ours)

	// And an application that is started again with the same pid goes on where it was.
	w = pydirtest.NewWorker(ours, pid, generation)
	sameByHand(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	run = exec.Command(python, "-c", "import os; os.getpid = lambda: "+pid+"\n"+script)
	run.Env = append(os.Environ(), "PROMETHEUS_MULTIPROC_DIR="+theirs)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sameFiles(t, theirs, ours)
}

func sameFiles(t *testing.T, theirs, ours string) {
	t.Helper()
	wanted, err := os.ReadDir(theirs)
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadDir(ours)
	if err != nil {
		t.Fatal(err)
	}
	if len(wanted) != 11 || len(written) != len(wanted) {
		t.Fatalf("%d files, want %d, and of the client 11", len(written), len(wanted))
	}
	for _, file := range wanted {
		want, err := os.ReadFile(filepath.Join(theirs, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(ours, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Errorf("%s differs at byte %d of %d and %d:\n%q\n%q", file.Name(), i, len(got), len(want), from(got, i), from(want, i))
		}
	}
}

func from(b []byte, at int) []byte { return b[max(0, at-100):min(len(b), at+100)] }

func TestKeysAreJSON(t *testing.T) {
	key := pydirtest.Key(pydirtest.Since018, "m", "m_total", "h\xff\U0001f415\n", pydirtest.Label{Name: "b", Value: "\x01"}, pydirtest.Label{Name: "a", Value: "\u2028"})
	if want := `["m", "m_total", {"a": "\u2028", "b": "\u0001"}, "h\udcff\ud83d\udc15\n"]`; key != want || !json.Valid([]byte(key)) {
		t.Errorf("%s, want %s", key, want)
	}
	if old, want := pydirtest.Key(pydirtest.Before016, "m", "m", "help"), `["m", "m", {}]`; old != want {
		t.Errorf("%s, want %s", old, want)
	}
}

func TestByteWiseWritesEndAtTheSameValue(t *testing.T) {
	w := pydirtest.NewWorker(t.TempDir(), "1", pydirtest.Before016)
	w.WriteByteWise()
	c := w.Counter("walks", "")
	c.Add(math.Pi)
	w.Counter("others", "").Add(1)
	again := pydirtest.NewWorker(filepath.Dir(w.Files()[0].Path()), "1", pydirtest.Before016)
	if got := again.Counter("walks", "").Get(); got != math.Pi || again.Files()[0].Entries() != 2 {
		t.Errorf("the file says %v with %d entries", got, again.Files()[0].Entries())
	}
	for _, w := range []*pydirtest.Worker{w, again} {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestALoadIsAsLargeAsItSays(t *testing.T) {
	l, err := pydirtest.NewLoad(t.TempDir(), 32, pydirtest.Since018, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	before := l.Account()
	if l.Files() != 416 || l.Entries() != 257_632 || l.Bytes()/1_000_000 != 43 || len(before) != 8_699 {
		t.Errorf("%d files, %d entries, %d bytes, %d series", l.Files(), l.Entries(), l.Bytes(), len(before))
	}
	if err := l.Tick(); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for key, v := range l.Account() {
		if v != before[key] {
			changed++
		}
	}
	if changed < 32*13/2 {
		t.Errorf("%d samples have changed", changed)
	}
}

func TestADirectoryThatIsNotThereIsAnError(t *testing.T) {
	if _, err := pydirtest.NewLoad(filepath.Join(t.TempDir(), "nowhere"), 1, pydirtest.Since018, 1); err == nil {
		t.Error("files were written to a directory that is not there")
	}
}
