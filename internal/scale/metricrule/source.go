package metricrule

import (
	"fmt"

	"github.com/truecount/truecount/internal/strictyaml"
)

// Source is one file or one key of a ConfigMap: adapter rules, chart values with them, or applications.
type Source struct {
	// Name is what messages call it, as a path or "configmap shop/rules: rules.yaml". Of two sources of one name and namespace the
	// later one replaces the first.
	Name string
	// Data is the YAML text.
	Data []byte
	// Namespace owns the metrics of the source: they are served only for requests in it, and their queries see no other. Empty is
	// the operator's own source, which may do all.
	Namespace string
}

// key is what a source is replaced by.
type key struct{ namespace, name string }

func (s Source) key() key { return key{s.Namespace, s.Name} }

// Problem is why something of a source is not as it is written.
type Problem struct {
	// Source is the name of the source, Namespace the one that owns it.
	Source, Namespace string
	// Err says what is wrong, with file:line:column and a hint.
	Err *strictyaml.Error
	// Kept says that the last good version of what Err is about is still served.
	Kept bool
	// More is how many more mistakes of the source it stands for: of very many, not each one is told.
	More int
}

// NotRead returns the problem of a source that is not read, with why and a hint.
func NotRead(s Source, message, hint string) Problem {
	return Problem{Source: s.Name, Namespace: s.Namespace, Err: &strictyaml.Error{File: s.Name, Message: message, Hint: hint}}
}

// String returns the problem on one line.
func (p Problem) String() string {
	if p.Kept {
		return fmt.Sprintf("%v (the last good one stays)", p.Err)
	}
	return p.Err.Error()
}
