package server

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/rulefmt"
)

// fieldHint says what may have been meant by a field that does not exist.
func fieldHint(field string) string {
	if name, ok := strings.CutSuffix(field, "_sd_configs"); ok && !slices.Contains(discovery.RegisteredConfigNames(), name) {
		return "this server discovers by static, file, http, dns and kubernetes; write other targets to a file for file_sd_configs"
	}
	best, bestDistance := "", min(3, 1+len(field)/3) // further apart is another word, not a slip
	for _, known := range fieldNames() {
		if d := editDistance(field, known); d < bestDistance {
			best, bestDistance = known, d
		}
	}
	if best == "" {
		return "see Prometheus' configuration reference for the fields that exist here; check the indentation"
	}
	return fmt.Sprintf("did you mean %q? check the indentation too", best)
}

// fieldNames collects every name that occurs in a configuration or rule file, sorted.
func fieldNames() []string {
	names, seen := map[string]bool{}, map[reflect.Type]bool{}
	for _, t := range []reflect.Type{reflect.TypeFor[config.Config](), reflect.TypeFor[rulefmt.RuleGroups]()} {
		collectFields(t, names, seen)
	}
	for _, name := range discovery.RegisteredConfigNames() {
		names[name+"_sd_configs"] = true
	}
	names["static_configs"] = true
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

func collectFields(t reflect.Type, names map[string]bool, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name != "" {
			names[name] = true
		}
		collectFields(f.Type, names, seen)
	}
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
