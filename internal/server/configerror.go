package server

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/truecount/truecount/internal/hint"
)

// The decoder's messages name Go types and come in several shapes; these are rewritten for whoever wrote the file.
var (
	atLine       = regexp.MustCompile(`^line (\d+): (?s:(.*))$`)
	atLineColumn = regexp.MustCompile(`^(\d+:\d+): (?:(\d+:\d+): )?(?s:(.*))$`)
	inFile       = regexp.MustCompile(`^"([^"]+)": (?s:(.*))$`)
	unknownField = regexp.MustCompile(`^field (\S+) not found in (?:type|struct) .*$`)
	repeated     = regexp.MustCompile(`^field (\S+) already set in type .*$`)
	wrongType    = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (.+)$")
	quoted       = regexp.MustCompile(`"([^"]+)"`)
)

// fault is one mistake in a file; place is "line", "line:column" or "" where it is not known.
type fault struct {
	file, place, what, hint string
}

func (f fault) error() error {
	where := f.file
	if f.place != "" {
		where += ":" + f.place
	}
	advice := f.hint
	if advice == "" {
		advice = "correct the file; nothing of it was applied"
	}
	return hint.Errorf(advice, "%s: %s", where, f.what)
}

// configError turns what the decoder says about a file into one line per mistake.
func configError(file string, content []byte, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	lines := []string{text}
	if list, ok := strings.CutPrefix(text, "unmarshal errors:\n"); ok {
		lines = strings.Split(list, "\n")
	}
	var errs []error
	for _, l := range slices.Compact(lines) { // an alias repeats its mistake wherever it is used
		errs = append(errs, faultOf(file, content, strings.TrimSpace(l)).error())
	}
	return joinLines(errs)
}

func faultOf(file string, content []byte, text string) fault {
	f := fault{file: file}
	if m := atLine.FindStringSubmatch(text); m != nil {
		f.place, text = m[1], m[2]
	} else if m := atLineColumn.FindStringSubmatch(text); m != nil {
		f.place, text = m[1], m[3]
		if m[2] != "" {
			f.place = m[2] // the value's own place, inside the rule's
		}
	}
	f.what, f.hint = inOperatorsWords(text)
	if strings.HasPrefix(text, "found character that cannot start any token") && bytes.Contains(content, []byte("\n\t")) {
		f.hint = "YAML is indented with spaces, never with tabs"
	}
	if f.place == "" {
		f.place = onlyLineWith(content, text)
	}
	return f
}

func inOperatorsWords(text string) (what, advice string) {
	if m := unknownField.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("unknown field %q", m[1]), fieldHint(m[1])
	}
	if m := repeated.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("field %q is given twice", m[1]), "keep one of the two"
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		got := map[string]string{"map": "a mapping", "seq": "a list", "null": "nothing"}[m[1]]
		if m[2] != "" {
			got = strconv.Quote(m[2])
		}
		if got == "" {
			got = "a value"
		}
		return fmt.Sprintf("expected %s, found %s", kindOf(m[3]), got), ""
	}
	if strings.HasPrefix(text, "did not find expected") || strings.HasPrefix(text, "mapping values are not allowed") {
		return text, "check the indentation of this line and of the next"
	}
	return text, ""
}

// kindOf says what a Go type looks like in a file.
func kindOf(goType string) string {
	switch t := strings.TrimLeft(goType, "*"); {
	case strings.HasPrefix(t, "[]"), strings.HasSuffix(t, "Configs"):
		return "a list"
	case strings.HasPrefix(t, "map"), strings.HasPrefix(t, "struct"), strings.HasSuffix(t, ".plain"), strings.HasSuffix(t, "Config"):
		return "a mapping"
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "uint"):
		return "a whole number"
	case strings.HasPrefix(t, "float"):
		return "a number"
	case t == "bool":
		return "true or false"
	case t == "string":
		return "a string"
	}
	return "another kind of value"
}

// onlyLineWith finds the line of a message without one: values are quoted in messages, and often stand in one place only.
func onlyLineWith(content []byte, text string) string {
	m := quoted.FindStringSubmatch(text)
	if m == nil || bytes.Count(content, []byte(m[1])) != 1 {
		return ""
	}
	before, _, _ := bytes.Cut(content, []byte(m[1]))
	return strconv.Itoa(1 + bytes.Count(before, []byte("\n")))
}

// scrapeFileError names the file that a mistake in one of scrape_config_files is in.
func scrapeFileError(file string, err error) error {
	m := inFile.FindStringSubmatch(err.Error())
	if m == nil {
		return configError(file, nil, err)
	}
	name := m[1]
	if rel, err := filepath.Rel(mustAbs(filepath.Dir(file)), name); err == nil && filepath.IsLocal(rel) {
		name = filepath.Join(filepath.Dir(file), rel)
	}
	return configError(name, nil, errors.New(m[2]))
}

func mustAbs(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// joinLines keeps every mistake, up to what fits on a screen, once; the hint is the first one's.
func joinLines(errs []error) error {
	const screen = 20
	errs = slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })
	if more := len(errs) - screen; more > 0 {
		errs = append(errs[:screen], fmt.Errorf("and %d more", more))
	}
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return hint.Errorf(hint.Of(errs[0]), "%w", errors.Join(errs...))
}
