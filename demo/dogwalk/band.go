package dogwalk

import "github.com/truecount/truecount/demo/dogwalk/store"

// band is the picture of the average distance within its bounds: positions in percent of a scale that ends at twice
// the upper bound.
type band struct {
	Bounds
	Walks   int // averaged over so many
	Average int // metres
	From    float64
	Width   float64
	At      float64
}

func newBand(bounds Bounds, walks []store.Walk) band {
	b := band{Bounds: bounds, Walks: len(walks)}
	sum := 0
	for _, w := range walks {
		sum += w.Distance
	}
	if len(walks) > 0 {
		b.Average = sum / len(walks)
	}
	percent := func(metres int) float64 { return min(100, float64(metres)*100/float64(2*bounds.Longest)) }
	b.From = percent(bounds.Shortest)
	b.Width = percent(bounds.Longest) - b.From
	b.At = min(99, percent(b.Average)) // the mark itself has a width
	return b
}

// Outside reports whether the average has left its bounds.
func (b band) Outside() bool {
	return b.Walks > 0 && (b.Average < b.Shortest || b.Average > b.Longest)
}
