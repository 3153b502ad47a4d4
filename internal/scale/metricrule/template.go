package metricrule

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
)

// boundedTemplate is a template of a rule.
type boundedTemplate struct {
	parsed *template.Template
	makes  bool // it may call functions that make texts
}

// parseTemplate reads a template between << and >>, without what could run long.
func parseTemplate(text string) (*boundedTemplate, error) {
	if len(text) > maxQuery {
		return nil, fmt.Errorf("the template is longer than %d bytes", maxQuery)
	}
	if strings.Contains(text, placeholderMark) {
		return nil, errReserved
	}
	parsed, err := template.New("rule").Delims("<<", ">>").Funcs((&madeText{}).functions()).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("is no template: %s", strings.TrimPrefix(err.Error(), "template: rule:"))
	}
	if len(parsed.Templates()) > 1 {
		return nil, errors.New("templates within the template are not read")
	}
	if parsed.Tree == nil || parsed.Root == nil {
		return nil, errors.New("the template is empty")
	}
	if err := (loops{text}).check(parsed.Root, false); err != nil {
		return nil, err
	}
	return &boundedTemplate{parsed, makers.MatchString(text)}, nil
}

// execute returns what a template writes; nothing and too much are errors.
func (b *boundedTemplate) execute(data any) (string, error) {
	t, err := b.counting()
	if err != nil {
		return "", err
	}
	out := &boundedText{}
	if err := t.Execute(out, data); err != nil {
		for _, known := range []error{errTooLong, errTooMuch} {
			if errors.Is(err, known) {
				return "", known
			}
		}
		return "", fmt.Errorf("the template fails: %s", strings.TrimPrefix(err.Error(), "template: rule:"))
	}
	if out.text.Len() == 0 {
		return "", errors.New("the template writes nothing")
	}
	return out.text.String(), nil
}

// counting returns the template for one execution: with functions of its own, if it may call some, that count what they make.
func (b *boundedTemplate) counting() (*template.Template, error) {
	if !b.makes {
		return b.parsed, nil
	}
	t, err := b.parsed.Clone()
	if err != nil {
		return nil, err
	}
	return t.Funcs((&madeText{}).functions()), nil
}

var errTooLong = fmt.Errorf("the template writes more than %d bytes", maxQuery)

// boundedText is a writer that refuses too much.
type boundedText struct{ text strings.Builder }

func (b *boundedText) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > maxQuery {
		return 0, errTooLong
	}
	return b.text.Write(p)
}
