package metricrule

import (
	"fmt"
	"regexp"
	"text/template"

	"github.com/truecount/truecount/internal/hint"
)

// maxMade is how much text the functions of a template may read and make in one execution, in bytes. With variables each can multiply
// what the one before has made, for each label of a request, and nothing of it has to be written.
const maxMade = 128 << 10

var errTooMuch = hint.Errorf("make it outside of the loop, or ask for fewer labels", "the template makes more than %d bytes of text on the way", maxMade)

// madeText counts what the functions of one execution read and make.
type madeText struct{ bytes int }

// functions are those of templates that make texts, with a limit of what they make at once and in all.
func (m *madeText) functions() template.FuncMap {
	return template.FuncMap{
		"print": m.counted(fmt.Sprint), "println": m.counted(fmt.Sprintln), "html": m.counted(template.HTMLEscaper), "js": m.counted(template.JSEscaper),
		"urlquery": m.counted(template.URLQueryEscaper),
		"printf": func(format string, args ...any) (string, error) {
			if wide.MatchString(format) {
				return "", errTooLong
			}
			return m.counted(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
		},
	}
}

// makers finds the names of these functions, wherever they stand.
var makers = regexp.MustCompile(`print|html|js|urlquery`)

// wide is a width or precision of three digits, or one that an argument gives.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*([0-9]{3}|\*)`)

func (m *madeText) counted(write func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		size := 0
		for _, a := range args {
			if text, is := a.(string); is {
				size += len(text)
			}
		}
		if size > maxQuery {
			return "", errTooLong
		}
		text := write(args...)
		if len(text) > maxQuery {
			return "", errTooLong
		}
		if m.bytes += size + len(text); m.bytes > maxMade {
			return "", errTooMuch
		}
		return text, nil
	}
}
