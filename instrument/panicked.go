package instrument

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// panicked is a panic of somebody else's code, as an error.
type panicked struct {
	value any
	place string
}

func (p panicked) Error() string { return fmt.Sprintf("panic: %v%s", p.value, p.place) }

// panicPlace says where the panic that is being recovered began: " (at collect.go:12)".
func panicPlace() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicking := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !inRuntime:
			return fmt.Sprintf(" (at %s:%d)", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}
