package pydir_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/truecount/truecount/internal/merge/pydir"
)

func newMerger(t testing.TB, o pydir.Options) *pydir.Merger {
	t.Helper()
	m, err := pydir.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// unpack lays a sample directory and returns its path.
func unpack(t testing.TB, name string) string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for entries := tar.NewReader(z); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(header.Name)), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// scrape returns the merged page in the format that the client accepts.
func scrape(t testing.TB, h http.Handler, accept string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("the scrape answers %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// samplesOf lists the samples of a page by name and labels, the merge's own left out.
func samplesOf(t testing.TB, page, contentType string) map[string]float64 {
	t.Helper()
	p, err := textparse.New([]byte(page), contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, page)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var l labels.Labels
		p.Labels(&l)
		_, _, value := p.Series()
		if name := l.String(); !strings.Contains(name, "truecount_merge_") {
			if _, twice := out[name]; twice {
				t.Errorf("%s is there twice", name)
			}
			out[name] = value
		}
	}
}

// compareSamples wants the same samples with the same values, but for the last digits of sums of floating point numbers:
// the client's depend on the order in which a directory lists its files.
func compareSamples(t testing.TB, got, want map[string]float64) {
	t.Helper()
	for name, w := range want {
		g, ok := got[name]
		if !ok {
			t.Errorf("%s is missing", name)
		} else if g != w && math.Abs(g-w) > 4e-16*math.Abs(w) && !(math.IsNaN(g) && math.IsNaN(w)) {
			t.Errorf("%s is %v, want %v", name, g, w)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is there and not wanted", name)
		}
	}
}

// typesAndHelps are the sorted comments of a page, the merge's own left out.
func typesAndHelps(page string) string {
	var out []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "# ") && !strings.Contains(line, "truecount_merge_") {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "")
}
