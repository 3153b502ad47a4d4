package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/history"
)

// BenchmarkADay replays a day at 15 s over ten pods, the history in memory.
func BenchmarkADay(b *testing.B) {
	var text strings.Builder
	for pod := range 10 {
		for i := range 5761 {
			fmt.Fprintf(&text, "load{pod=\"shop-%d\"} %d %d\n", pod, 5+i/500, noon.Add(time.Duration(i)*15*time.Second).Unix())
		}
	}
	h := history.New()
	if err := h.Read("day", "", strings.NewReader(text.String())); err != nil {
		b.Fatal(err)
	}
	source := h.Source()
	b.Cleanup(func() { source.Close() })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := replay.Run(b.Context(), source, options(perPod(1, 100, "10"), 24*time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}
