package strictyaml

import (
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Describe says in the operator's words what a node is.
func Describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.AliasNode:
		return "an alias"
	case yaml.MappingNode:
		return "fields"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + Shorten(n.Value)
	case "!!bool":
		return "the truth value " + Shorten(n.Value)
	}
	return "the text " + Quote(n.Value)
}

// describeKind is Describe without the value.
func describeKind(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a truth value"
	}
	return "fields or a list"
}

// Quote puts a text in quotes, shortened to what fits in a line.
func Quote(s string) string { return strconv.Quote(Shorten(s)) }

// Shorten cuts a text to what fits in a line.
func Shorten(s string) string {
	const longest = 60
	n := 0
	for i := range s {
		if n == longest {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// plainTag says whether a node has a tag of YAML's own that a file may use.
func plainTag(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!timestamp":
		return true
	}
	return false
}

// nullHint says what to do about a field without a value.
func nullHint(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && len(Fields(t)) == 0 {
		return "write {} behind it"
	}
	return "write a value behind it, or leave the field out"
}

// quotesHint helps with a text that is not in quotes. A long one is not written again: there may be many such mistakes.
func quotesHint(text string) string {
	if Shorten(text) != text {
		return "put it in quotes"
	}
	return "put it in quotes: " + strconv.Quote(text)
}

// numberHint helps with a number in quotes.
func numberHint(n *yaml.Node) string {
	if _, err := strconv.ParseFloat(n.Value, 64); n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && err == nil {
		return "leave the quotes out"
	}
	return ""
}

// example returns what the value of a field could be, for a hint.
func example(f reflect.StructField) string {
	if enum, _, _ := strings.Cut(f.Tag.Get("enum"), ","); enum != "" {
		return enum
	}
	t := f.Type
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Struct:
		var required []string
		for _, inner := range Fields(t) {
			if inner.Tag.Get("required") != "" {
				required = append(required, NameOf(inner)+": …")
			}
		}
		return "{" + strings.Join(required, ", ") + "}"
	case t.Kind() == reflect.Slice:
		return "[…]"
	case f.Tag.Get("min") != "":
		return f.Tag.Get("min")
	}
	return "…"
}

// unknownHint helps with a field that t does not have: a name that is close, or the place where it belongs.
func (d *decoder) unknownHint(name string, t reflect.Type) string {
	known := fieldNames(t)
	if close := closest(name, known); close != "" {
		return "did you mean " + close + "?"
	}
	if place := placeOf(name, d.places, "", 0); place != "" {
		return "did you mean " + place + "?"
	}
	if len(known) == 0 {
		return "nothing can be given here: write {}"
	}
	return "known here: " + strings.Join(known, ", ")
}

// placeOf searches a field by its name in a type and the types below, nearest to the root first.
func placeOf(name string, t reflect.Type, path string, depth int) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || depth > 6 {
		return ""
	}
	if _, ok := fieldOf(t, name); ok {
		return Join(path, name)
	}
	for _, f := range Fields(t) {
		if place := placeOf(name, f.Type, Join(path, NameOf(f)), depth+1); place != "" {
			return place
		}
	}
	return ""
}

// Suggest returns a hint with the closest of the known texts, or else the fallback.
func Suggest(got string, known []string, fallback string) string {
	if close := closest(got, known); close != "" {
		return "did you mean " + close + "?"
	}
	return fallback
}

// OrList joins texts as "a, b or c".
func OrList(texts []string) string {
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " or " + texts[len(texts)-1]
}

// closest returns the known text that got was probably meant to be, or "": a slip for every three letters is taken,
// upper and lower case are the same.
func closest(got string, known []string) string {
	if len(got) > 64 {
		return ""
	}
	best, bestDistance := "", len([]rune(got))/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(got), strings.ToLower(k)); d < bestDistance && k != got {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the number of letters to insert, remove, change or swap with their neighbour to get from a to b (optimal
// string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	table := make([][]int, len(x)+1)
	for i := range table {
		table[i] = make([]int, len(y)+1)
		table[i][0] = i
	}
	for j := range table[0] {
		table[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			table[i][j] = min(table[i-1][j]+1, table[i][j-1]+1, table[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				table[i][j] = min(table[i][j], table[i-2][j-2]+1)
			}
		}
	}
	return table[len(x)][len(y)]
}
