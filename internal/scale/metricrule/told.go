package metricrule

import (
	"fmt"
	"slices"

	"github.com/truecount/truecount/internal/strictyaml"
)

// maxTold is how many mistakes of one source are kept and told. Of the others one for each rule is counted: behind aliases a rule with
// mistakes may be there very often.
const maxTold = 100

// fail records what is wrong in no single rule.
func (r *reader) fail(err *strictyaml.Error) {
	if r.told == maxTold {
		r.more++
		return
	}
	r.told++
	r.problems = append(r.problems, r.problem(err))
}

// refuseAll records why the source cannot be read, before all else that is wrong in it.
func (r *reader) refuseAll(err *strictyaml.Error) {
	r.slots, r.unreadable = nil, true
	r.problems = slices.Insert(r.problems, 0, r.problem(err))
}

// refuse records what is wrong in a slot.
func (r *reader) refuse(s *slot, errs ...*strictyaml.Error) {
	s.refused = true
	told := min(len(errs), maxTold-r.told)
	r.told += told
	s.errs, s.more = slices.Clone(errs[:told]), len(errs)-told
}

// problem is one of the source.
func (l *loaded) problem(err *strictyaml.Error) Problem {
	return Problem{Source: l.source.Name, Namespace: l.source.Namespace, Err: err}
}

// allProblems returns what is told of the source, and how much is not.
func (l *loaded) allProblems() []Problem {
	out, more := slices.Clone(l.problems), l.more
	for _, s := range l.slots {
		for _, err := range s.errs {
			p := l.problem(err)
			p.Kept = s.kept
			out = append(out, p)
		}
		more += s.more
	}
	if more > 0 {
		p := l.problem(&strictyaml.Error{File: l.source.Name, Line: 1, Column: 1, Message: fmt.Sprintf("and at least %d more mistakes", more), Hint: "mend the first ones"})
		p.More = more - 1
		out = append(out, p)
	}
	return out
}
