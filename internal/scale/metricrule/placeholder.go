package metricrule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// placeholderMark is in every placeholder; templates may not write it themselves.
const placeholderMark = "__truecount"

// matchersPlaceholder is the label that stands for .LabelMatchers in a parsed template. It has a value, so that a selector of it
// alone can be parsed.
const matchersPlaceholder = placeholderMark + "_matchers__"

// placeholders stand in a template's text for what must not pass through it: values of a request, and names that are no identifiers.
type placeholders struct {
	matchers []*labels.Matcher
	names    []string
	values   [][]string
	objects  int  // the index of the objects' names in values, or -1
	used     bool // the objects' names are in the query
	forged   bool // the template has put together a placeholder of its own
	regexes  int  // what the regular expressions take, as far as they are filled in
}

// name returns how a name stands in the text: as it is, if it is an identifier of PromQL.
func (p *placeholders) name(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) && !strings.Contains(name, placeholderMark) {
		return name
	}
	p.names = append(p.names, name)
	return fmt.Sprintf("%s_name%d__", placeholderMark, len(p.names)-1)
}

// series is name for the name of a series, where ":" may be.
func (p *placeholders) series(name string) string {
	if model.LegacyValidation.IsValidMetricName(name) && !strings.Contains(name, placeholderMark) {
		return name
	}
	return p.name(name)
}

// value returns what stands in the text for a value, or for several of them; nothing for none.
func (p *placeholders) value(list []string) labelValues {
	if len(list) == 0 {
		return nil
	}
	p.values = append(p.values, list)
	return labelValues{valueToken(fmt.Sprintf("%s_value%d__", placeholderMark, len(p.values)-1))}
}

// labelValues is the value of a label in a template: it can be written and tested for being there. It is a slice, so that a template
// that compares it fails instead of comparing a placeholder.
type labelValues []valueToken

type valueToken string

// String returns the placeholder.
func (v labelValues) String() string {
	if len(v) == 0 {
		return ""
	}
	return string(v[0])
}

// errReserved is about a text that could be taken for a placeholder.
var errReserved = fmt.Errorf("%q is reserved", placeholderMark)

var token = regexp.MustCompile(placeholderMark + `_(name|value)([0-9]+)__`)

// realName puts the names in the place of their placeholders.
func (p *placeholders) realName(text string) string {
	return p.real(text, func(name string) string { return name }, func(values []string) string { return strings.Join(values, "|") })
}

// realText is realName for a text in quotes.
func (p *placeholders) realText(text string) string { return p.realName(text) }

// realRegex is realText for a regular expression: names and values are taken literally, several values as alternatives.
func (p *placeholders) realRegex(text string) string { return p.real(text, regexp.QuoteMeta, anyOf) }

// real replaces names and values in one pass: what a request calls its labels may look like a placeholder.
func (p *placeholders) real(text string, name func(string) string, values func([]string) string) string {
	if !strings.Contains(text, placeholderMark) {
		return text
	}
	return token.ReplaceAllStringFunc(text, func(found string) string {
		parts := token.FindStringSubmatch(found)
		i, err := strconv.Atoi(parts[2])
		switch {
		case err == nil && parts[1] == "name" && i < len(p.names):
			return name(p.names[i])
		case err == nil && parts[1] == "value" && i < len(p.values):
			p.used = p.used || i == p.objects
			return values(p.values[i])
		}
		p.forged = true
		return found
	})
}

// anyOf is the regular expression of several texts, taken literally.
func anyOf(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = regexp.QuoteMeta(t)
	}
	return strings.Join(quoted, "|")
}
