package metricrule

import (
	"fmt"
	"regexp"
	"strings"
)

// naming makes the name of a metric from that of a series.
type naming struct {
	matches *regexp.Regexp
	as      string
}

var anything = regexp.MustCompile(".*")

func compileNaming(f nameFields) (naming, *ruleMistake) {
	n := naming{matches: anything, as: f.As}
	if len(n.as) > maxName {
		return naming{}, mistakef("name.as", "", "is longer than %d bytes", maxName)
	}
	if f.Matches != "" {
		regex, err := compileRegex(f.Matches)
		if err != nil {
			return naming{}, mistakef("name.matches", "", "%v", err)
		}
		n.matches = regex
	}
	if n.as != "" {
		return n, nil
	}
	switch n.matches.NumSubexp() {
	case 0:
		n.as = "$0"
	case 1:
		n.as = "$1"
	default:
		return naming{}, mistakef("name.matches", "add name.as, as ${1}_per_second", "there are %d groups, and no name.as says which one is the name", n.matches.NumSubexp())
	}
	return n, nil
}

// nameOf returns the name of the metric of a series that [Rule.keeps].
//
// What comes from the series is made safe for Kubernetes' paths first: of a name in UTF-8, as a.b, everything but letters, digits,
// _ and : becomes _, as Prometheus' own exposition writes such a name. What the author wrote stays as it is.
func (n naming) nameOf(series string) (string, error) {
	if len(series) > maxName {
		return "", fmt.Errorf("the name of the series is longer than %d bytes", maxName)
	}
	match := n.matches.FindStringSubmatchIndex(series)
	if match == nil {
		return "", fmt.Errorf("the name %q of the series does not match", series)
	}
	var safe strings.Builder
	moved := make([]int, len(match))
	for i := 0; i < len(match); i += 2 {
		if match[i] < 0 {
			moved[i], moved[i+1] = -1, -1
			continue
		}
		moved[i] = safe.Len()
		safe.WriteString(safeName(series[match[i]:match[i+1]]))
		moved[i+1] = safe.Len()
	}
	name := string(n.matches.ExpandString(nil, n.as, safe.String(), moved))
	if err := checkPathSegment(name); err != nil {
		return "", err
	}
	return name, nil
}

// safeName writes a text with letters, digits, _ and : only.
func safeName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == ':':
			return r
		}
		return '_'
	}, s)
}

// checkPathSegment refuses what cannot be a step of a Kubernetes path; the names of metrics in autoscaling/v2 must be one.
func checkPathSegment(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the metric's name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the metric's name is longer than %d bytes", maxName)
	case name == "." || name == ".." || strings.ContainsAny(name, "/%"):
		return fmt.Errorf("%q cannot be the name of a metric in Kubernetes: it is no step of a path", name)
	}
	return nil
}
