package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// usage is the memory of some processes in bytes.
type usage struct {
	processes int
	// RSS counts pages that processes share once for each of them; PSS counts them once: it is what the machine lacks
	// because they run.
	RSS, PSS int64
}

func (u *usage) add(other usage) {
	u.processes += other.processes
	u.RSS += other.RSS
	u.PSS += other.PSS
}

// chainUsage is a running chain's memory: truecount's own process and all that it started.
type chainUsage struct{ truecount, workers usage }

// usageOfTree adds up a process and everything below it.
func usageOfTree(pid int) (chainUsage, error) {
	root, err := usageOf(pid)
	if err != nil {
		return chainUsage{}, err
	}
	of := chainUsage{truecount: root}
	parents, err := parentsOfAll()
	if err != nil {
		return chainUsage{}, err
	}
	family := []int{pid}
	for i := 0; i < len(family); i++ { // it grows meanwhile
		for child, parent := range parents {
			if parent != family[i] || slices.Contains(family, child) {
				continue
			}
			family = append(family, child)
			if one, err := usageOf(child); err == nil { // one that has just ended uses none
				of.workers.add(one)
			}
		}
	}
	return of, nil
}

// parentsOfAll returns the parent of each process.
func parentsOfAll() (map[int]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	parents := map[int]int{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state parent …"; the name may have blanks and brackets in it.
		fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parents[pid], err = strconv.Atoi(fields[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return parents, nil
}

// usageOf reads what the kernel says of one process, in kB.
func usageOf(pid int) (usage, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return usage{}, err
	}
	defer file.Close()
	of := usage{processes: 1}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		var to *int64
		switch fields[0] {
		case "Rss:":
			to = &of.RSS
		case "Pss:":
			to = &of.PSS
		default:
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("%s: %w", file.Name(), err)
		}
		*to = kib << 10
	}
	return of, lines.Err()
}
