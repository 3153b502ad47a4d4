package application

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
)

// describe says in the operator's words what a node is.
func describe(n *yaml.Node) string {
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
		return "the number " + shorten(n.Value)
	case "!!bool":
		return "the truth value " + shorten(n.Value)
	}
	return "the text " + quote(n.Value)
}

// describeKind is describe without the value.
func describeKind(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a truth value"
	}
	return "fields or a list"
}

// quote puts a text in quotes, shortened to what fits in a line.
func quote(s string) string { return strconv.Quote(shorten(s)) }

func shorten(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
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
	if t.Kind() == reflect.Struct && len(structFields(t)) == 0 {
		return "write {} behind it"
	}
	return "write a value behind it, or leave the field out"
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
		for _, inner := range structFields(t) {
			if inner.Tag.Get("required") != "" {
				required = append(required, nameOf(inner)+": …")
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
func unknownHint(name string, t reflect.Type) string {
	known := fieldNames(t)
	if close := closest(name, known); close != "" {
		return "did you mean " + close + "?"
	}
	if place := placeOf(name, reflect.TypeFor[Application](), "", 0); place != "" {
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
		return join(path, name)
	}
	for _, f := range structFields(t) {
		if place := placeOf(name, f.Type, join(path, nameOf(f)), depth+1); place != "" {
			return place
		}
	}
	return ""
}

// suggest returns a hint with the closest of the known texts, or else the fallback.
func suggest(got string, known []string, fallback string) string {
	if close := closest(got, known); close != "" {
		return "did you mean " + close + "?"
	}
	return fallback
}

// orList joins texts as "a, b or c".
func orList(texts []string) string {
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

// mustDuration reads a default of this package.
func mustDuration(text string) time.Duration {
	d, err := model.ParseDuration(text)
	if err != nil {
		panic("application: the default " + text + " is no duration") // a test sets all defaults
	}
	return time.Duration(d)
}
