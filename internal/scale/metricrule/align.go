package metricrule

import "cmp"

// align says which slot of the version before is in the place of each slot of the new one: the same wording or, between neighbours that
// are the same, the one that was there. Rules have no names, and most changes are of one of them.
func align(old, fresh []*slot) map[*slot]*slot {
	out := map[*slot]*slot{}
	sections := map[string]bool{}
	for _, s := range fresh {
		if sections[s.section] {
			continue
		}
		sections[s.section] = true
		alignSection(ofSection(old, s.section), ofSection(fresh, s.section), out)
	}
	return out
}

func ofSection(slots []*slot, section string) []*slot {
	var out []*slot
	for _, s := range slots {
		if s.section == section {
			out = append(out, s)
		}
	}
	return out
}

func alignSection(old, fresh []*slot, out map[*slot]*slot) {
	same := common(old, fresh)
	o, f := 0, 0
	for _, pair := range append(same, [2]int{len(old), len(fresh)}) {
		for ; o < pair[0] && f < pair[1]; o, f = o+1, f+1 {
			out[fresh[f]] = old[o]
		}
		if pair[0] < len(old) && pair[1] < len(fresh) {
			out[fresh[pair[1]]] = old[pair[0]]
		}
		o, f = pair[0]+1, pair[1]+1
	}
}

// common returns the indexes of a longest common subsequence by wording.
func common(a, b []*slot) [][2]int {
	length := make([][]uint16, len(a)+1) // of little more than maxRules
	for i := range length {
		length[i] = make([]uint16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i].wording == b[j].wording {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].wording == b[j].wording:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
}
