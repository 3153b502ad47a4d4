package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// collectLate lets the heap grow to 16 MB, and not 4, before garbage is collected for the first time. A first reading
// allocates about as much and keeps nearly all of it; to look through it meanwhile takes a core that is needed. From then on
// the collector works as usual. GOGC goes before.
func collectLate() {
	if os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(400) // the least heap grows with it
	type sentinel struct{ _ [64]byte }
	runtime.AddCleanup(new(sentinel), func(percent int) { debug.SetGCPercent(percent) }, usual)
}
