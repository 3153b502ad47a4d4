package exposition_test

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/internal/merge/exposition"
	"github.com/truecount/truecount/internal/merge/reading"
)

// TestTheJSONIsAsItsReferenceSays compares with the page that scripts are written after.
func TestTheJSONIsAsItsReferenceSays(t *testing.T) {
	name, value := "page", "<home>"
	families := []reading.Family{
		{Name: "clicks_total", Kind: reading.Counter, Help: "Times that the button was hit.", Series: []reading.Series{
			{Labels: []*dto.LabelPair{{Name: &name, Value: &value}}, Value: 1<<53 + 2},
		}},
		{Name: "size_bytes", Kind: reading.Histogram, Unit: "bytes", Series: []reading.Series{{
			Count: 3, Sum: math.NaN(), Histogram: &reading.Buckets{Bounds: []float64{.5}, Counts: []uint64{2, 1}, Exemplars: make([]*dto.Exemplar, 2)},
		}}},
		{Name: "temperature", Kind: reading.Gauge, Series: []reading.Series{{Value: math.Inf(-1)}}},
	}
	var got bytes.Buffer
	if err := exposition.JSON(&got, families); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/reference/merge-json.md")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(page), "```json\n")
	want, _, _ = strings.Cut(want, "```")
	if got.String() != want {
		t.Errorf("it is\n%s", got.String())
	}
}

func TestTheJSONOfNothingIsAList(t *testing.T) {
	var got bytes.Buffer
	if err := exposition.JSON(&got, nil); err != nil || got.String() != "{\n  \"families\": []\n}\n" {
		t.Errorf("it is %s, %v", got.String(), err)
	}
}
