package pydir_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir"
)

// TestTheMergeIsTheClientsOwn reads directories that three releases of Python's client wrote, one of each generation of the
// format, and compares every sample with what that release itself served from them.
func TestTheMergeIsTheClientsOwn(t *testing.T) {
	for _, client := range []string{"client_python-0.14.1", "client_python-0.16.0", "client_python-0.25.0"} {
		t.Run(client, func(t *testing.T) {
			m := newMerger(t, pydir.Options{Dir: unpack(t, client)})
			want, err := os.ReadFile(filepath.Join("testdata", client+".expected.txt"))
			if err != nil {
				t.Fatal(err)
			}
			wanted := samplesOf(t, string(want), "text/plain")
			for _, accept := range []string{"text/plain", "application/openmetrics-text; version=1.0.0"} {
				compareSamples(t, samplesOf(t, scrape(t, m, accept), accept), wanted)
			}
			if got, want := typesAndHelps(scrape(t, m, "text/plain")), typesAndHelps(string(want)); got != want {
				t.Errorf("types and help texts are\n%s\nwant\n%s", got, want)
			}
		})
	}
}
