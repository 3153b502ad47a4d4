package merge

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/truecount/truecount/internal/hint"
)

// maxGaugeFile is more than any table that somebody wrote.
const maxGaugeFile = 1 << 20

// LoadGauges reads a file of gauge modes, as [ParseGauges] does.
func LoadGauges(path string) (map[string]GaugeMode, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint.Errorf("name a file with lines such as queue_length: max", "%s: no such file", path)
	case err == nil && !info.Mode().IsRegular():
		return nil, hint.Errorf("name a file with lines such as queue_length: max", "%s: is no file", path)
	case err == nil && info.Size() > maxGaugeFile:
		return nil, hint.Errorf("a line for each gauge whose mode is another", "%s: is longer than %d bytes", path, maxGaugeFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, hint.Errorf("make it readable for the user that runs this", "%w", err)
	}
	return ParseGauges(path, string(text))
}

// ParseGauges reads a table of gauge modes, a line for each: NAME: MODE. The name is that of a metric, or *suffix, or prefix*,
// and may be in quotation marks; empty lines and what follows a # are passed over. That is YAML, of a simple kind. Errors
// have the file's name, line and column, and a hint.
func ParseGauges(file, text string) (map[string]GaugeMode, error) {
	gauges := map[string]GaugeMode{}
	lines := map[string]int{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		at := func(column int, advice, format string, args ...any) error {
			return hint.Errorf(advice, "%s:%d:%d: "+format, append([]any{file, number, column}, args...)...)
		}
		line = strings.TrimRight(line, " \t\r\n")
		name := strings.TrimLeft(line, " ")
		if name == "" || name[0] == '#' {
			continue
		}
		column := len(line) - len(name) + 1
		name, mode, begins, problem := cutGauge(name)
		if problem != "" {
			return nil, at(column, "write it as queue_length: max", "%s", problem)
		}
		first, twice := lines[name]
		switch {
		case column > 1:
			return nil, at(1, "begin each line with the gauge's name", "the line is indented")
		case !isGaugePattern(name):
			return nil, at(column, "a metric's name, *suffix or prefix*", "%q is no name of a gauge", name)
		case twice:
			return nil, at(column, "leave one of them out", "%s has a mode already, in line %d", name, first)
		}
		if err := CheckGauges(map[string]GaugeMode{name: GaugeMode(mode)}); err != nil {
			return nil, at(begins, hint.Of(err), "%s: unknown mode %q", name, mode)
		}
		gauges[name], lines[name] = GaugeMode(mode), number
	}
	return gauges, nil
}

// cutGauge takes a line apart. column is where the mode begins.
func cutGauge(line string) (name, mode string, column int, problem string) {
	rest := ""
	if quote := line[0]; quote == '"' || quote == '\'' {
		end := strings.IndexByte(line[1:], quote)
		if end < 0 {
			return "", "", 0, "the quotation mark is not closed"
		}
		name, rest = line[1:1+end], line[end+2:]
		if !strings.HasPrefix(rest, ":") {
			return "", "", 0, "there is no colon after the name"
		}
		rest = rest[1:]
	} else {
		// A name may have colons itself: the one that ends it has a space behind it.
		end := strings.Index(line+" ", ": ")
		if end < 0 {
			return "", "", 0, "there is no name, a colon, a space and a mode"
		}
		name, rest = line[:end], line[end+1:]
	}
	column = len(line) - len(strings.TrimLeft(rest, " \t")) + 1
	if i := strings.Index(rest, " #"); i >= 0 {
		rest = rest[:i]
	}
	mode = strings.Trim(strings.TrimSpace(rest), `"'`)
	if mode == "" {
		return "", "", 0, "there is no mode"
	}
	return name, mode, column, ""
}

// isGaugePattern tells whether a name can be one of [ModeOf]'s table.
func isGaugePattern(name string) bool {
	inner := strings.TrimSuffix(strings.TrimPrefix(name, "*"), "*")
	if strings.HasPrefix(name, "*") && strings.HasSuffix(name, "*") {
		return false
	}
	return inner != "" && !strings.ContainsAny(inner, "*\"' \t")
}
