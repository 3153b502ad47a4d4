package metricrule_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
)

// equal compares what was got with what was wanted; numbers within rounding, errors by their text.
func equal(t testing.TB, got, want any) {
	t.Helper()
	text := cmp.Transformer("text", func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	})
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9), cmp.Comparer(labels.Equal), text, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// labelsOf returns labels from names and values in turn.
func labelsOf(pairs ...string) labels.Labels { return labels.FromStrings(pairs...) }
