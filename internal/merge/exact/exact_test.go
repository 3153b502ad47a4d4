package exact

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestSumsAreCorrectlyRoundedInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		var e Sum
		oracle := new(big.Float).SetPrec(3000)
		var added []float64
		for range 1 + random.IntN(40) {
			x := math.Ldexp(random.Float64()-0.3, random.IntN(120)-60)
			if len(added) > 0 && random.IntN(4) == 0 {
				x = -added[random.IntN(len(added))] // as a generation's former value is taken back
			}
			added = append(added, x)
			e.Add(x)
			oracle.Add(oracle, big.NewFloat(x))
		}
		want, _ := oracle.Float64()
		if got := e.Value(); got != want {
			t.Fatalf("the sum of %v is %v, want %v", added, got, want)
		}
	}
}

func TestASumNeverGoesDownByAdding(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	var e Sum
	last := 0.0
	seen := make([]float64, 8) // workers whose own counters grow, read as differences
	for range 100_000 {
		w := random.IntN(len(seen))
		grown := seen[w] + random.Float64()*math.Ldexp(1, random.IntN(20)-10)
		e.Add(grown)
		e.Add(-seen[w])
		seen[w] = grown
		now := e.Value()
		if now < last {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
}

func TestM22SumsSaturate(t *testing.T) {
	var e Sum
	e.Add(math.MaxFloat64)
	e.Add(math.MaxFloat64)
	e.Add(-1)
	if got := e.Value(); got != math.MaxFloat64 {
		t.Errorf("the sum is %v", got)
	}
}

func TestASumIsRestoredFromItsPartials(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	for range 500 {
		var before, after Sum
		for range 1 + random.IntN(40) {
			before.Add(math.Ldexp(random.Float64()-0.3, random.IntN(2000)-1000))
		}
		if random.IntN(10) == 0 {
			before.Add(math.MaxFloat64)
			before.Add(math.MaxFloat64)
		}
		for _, p := range before.Partials() {
			after.Restore(p)
		}
		for range 3 { // it also goes on in the same way
			if before.Value() != after.Value() {
				t.Fatalf("%v was restored as %v", before.Value(), after.Value())
			}
			x := math.Ldexp(random.Float64(), random.IntN(2000)-1000)
			before.Add(x)
			after.Add(x)
		}
	}
}
