package instrumenttest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxShown is how many series a failure shows.
const maxShown = 10

// near says which series are there that may have been meant: those of the name, or else those of names like it.
func (s *Snapshot) near(k key) string {
	var like []key
	for _, found := range s.list() {
		if found.name == k.name {
			like = append(like, found)
		}
	}
	if len(like) == 0 {
		like = s.similar(k.name)
	}
	if len(like) == 0 {
		return fmt.Sprintf("; nothing like it is there, among %d series", len(s.samples))
	}
	return "; near it:" + s.show(like)
}

// similar returns series whose names are like the name, the likest first.
func (s *Snapshot) similar(name string) []key {
	var like []key
	far := map[string]int{}
	for _, found := range s.list() {
		d, known := far[found.name]
		if !known {
			d = distance(found.name, name)
			if strings.Contains(found.name, name) || strings.Contains(name, found.name) {
				d = min(d, 1)
			}
			far[found.name] = d
		}
		if d <= max(2, len(name)/4) {
			like = append(like, found)
		}
	}
	slices.SortStableFunc(like, func(a, b key) int { return cmp.Compare(far[a.name], far[b.name]) })
	return like
}

// changed says which series of the same name changed since before.
func (s *Snapshot) changed(before *Snapshot, k key) string {
	var others []key
	for _, found := range s.list() {
		if found.name == k.name && found != k && s.samples[found] != before.samples[found] {
			others = append(others, found)
		}
	}
	if len(others) == 0 {
		return ""
	}
	return "; what changed:" + s.show(others)
}

func (s *Snapshot) show(series []key) string {
	var b strings.Builder
	for i, k := range series {
		if i == maxShown {
			fmt.Fprintf(&b, "\n\t… and %d more", len(series)-i)
			break
		}
		fmt.Fprintf(&b, "\n\t%s %v", k, s.samples[k])
	}
	return b.String()
}

// distance is Levenshtein's: how many characters are put in, left out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
