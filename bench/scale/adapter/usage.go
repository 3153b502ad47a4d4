package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: Linux has 100 in a second on all systems that Go runs on.
const tick = 10 * time.Millisecond

// cpu is what a process has computed until now, in user and kernel mode.
func cpu(pid int) (time.Duration, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// "pid (name) state …": the name may have blanks. After it utime is the 12th field, stime the 13th.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, err
}

// resident is a process' memory in bytes: now, and at most since the last forgetPeak.
type resident struct{ now, peak int64 }

func memory(pid int) (r resident, err error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return r, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var to *int64
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) < 2:
			continue
		case fields[0] == "VmRSS:":
			to = &r.now
		case fields[0] == "VmHWM:":
			to = &r.peak
		default:
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return r, fmt.Errorf("%s: %w", file.Name(), err)
		}
		*to = kib << 10
	}
	return r, lines.Err()
}

// forgetPeak sets a process' peak to what it has now (proc(5), clear_refs).
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
