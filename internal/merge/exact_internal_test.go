package merge

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestSumsAreCorrectlyRoundedInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		var e exact
		oracle := new(big.Float).SetPrec(3000)
		var added []float64
		for range 1 + random.IntN(40) {
			x := math.Ldexp(random.Float64()-0.3, random.IntN(120)-60)
			if len(added) > 0 && random.IntN(4) == 0 {
				x = -added[random.IntN(len(added))] // as a generation's former value is taken back
			}
			added = append(added, x)
			e.add(x)
			oracle.Add(oracle, big.NewFloat(x))
		}
		want, _ := oracle.Float64()
		if got := e.value(); got != want {
			t.Fatalf("the sum of %v is %v, want %v", added, got, want)
		}
	}
}

func TestASumNeverGoesDownByAdding(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	var e exact
	last := 0.0
	seen := make([]float64, 8) // workers whose own counters grow, read as differences
	for range 100_000 {
		w := random.IntN(len(seen))
		grown := seen[w] + random.Float64()*math.Ldexp(1, random.IntN(20)-10)
		e.add(grown)
		e.add(-seen[w])
		seen[w] = grown
		now := e.value()
		if now < last {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
}

func TestM22SumsSaturate(t *testing.T) {
	var e exact
	e.add(math.MaxFloat64)
	e.add(math.MaxFloat64)
	e.add(-1)
	if got := e.value(); got != math.MaxFloat64 {
		t.Errorf("the sum is %v", got)
	}
}
