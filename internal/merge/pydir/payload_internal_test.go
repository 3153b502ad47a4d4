package pydir

import (
	"bytes"
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// payload is what a merge of a small directory keeps: a living worker, one that is final and one whose file is gone.
func payload(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	for _, id := range []string{"1", "2.retired-3", "4"} {
		w := pydirtest.NewWorker(dir, id, pydirtest.Since018)
		w.Counter("walks", "Walks.", pydirtest.Label{Name: "dog", Value: "rex"}).Add(2.5)
		w.Histogram("walk_seconds", "Duration.", []float64{1, 2, math.Inf(1)}).Observe(1.5)
		w.Summary("size", "Size.").Observe(3)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m, err := New(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, f := range m.files {
		if f.worker == "4" {
			m.retire(f)
		}
	}
	m.encode()
	return bytes.Clone(m.keeper.payload)
}

// takes has a new merge take in a payload. If it does, what it serves must parse, and what it would keep must be taken in again.
func takes(t testing.TB, payload []byte) bool {
	t.Helper()
	m, err := New(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.restore(payload) != nil {
		return false
	}
	m.hasRead = true
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(w.Body.String())); err != nil || w.Code != http.StatusOK {
		t.Fatalf("what is served does not parse: %v\n%s", err, w.Body)
	}
	m.encode()
	again, err := New(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.restore(bytes.Clone(m.keeper.payload)); err != nil {
		t.Fatalf("what it would keep is refused: %v", err)
	}
	return true
}

// FuzzStateOfADirectory reads what somebody else may have put in the place of a state.
func FuzzStateOfADirectory(f *testing.F) {
	f.Add(payload(f))
	f.Add([]byte{stateVersion, 0, 0, 0})
	f.Fuzz(func(t *testing.T, p []byte) { takes(t, p) })
}

func TestAStateThatIsCutAtAnyByteOrChangedInAnyBitDoesNoHarm(t *testing.T) {
	whole := payload(t)
	if !takes(t, whole) {
		t.Fatal("the whole payload is refused")
	}
	for n := range whole {
		if takes(t, whole[:n]) {
			t.Errorf("of %d bytes the first %d are taken for all", len(whole), n)
		}
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[n] ^= 1 << bit
			takes(t, flipped)
		}
	}
}
