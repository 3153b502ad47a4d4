package metricrule

import (
	"errors"
	"fmt"
	"text/template/parse"
	"unicode/utf8"
)

// loops refuses in the text of a template what could go round often. A loop over the labels of a request goes round once for each, and
// [maxRequirements] bounds these; within one another such loops would multiply it. GroupBySlice has one label at most.
type loops struct{ text string }

// check looks at a node and those in it; within says that it is in a loop over labels.
func (l loops) check(node parse.Node, within bool) error {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, inner := range n.Nodes {
			if err := l.check(inner, within); err != nil {
				return err
			}
		}
	case *parse.IfNode:
		return l.branches(&n.BranchNode, within, within)
	case *parse.WithNode:
		return l.branches(&n.BranchNode, within, within)
	case *parse.RangeNode:
		switch over := ranged(n.Pipe); over {
		case ".LabelValuesByName", "$.LabelValuesByName":
			if within {
				return l.errorf(n, "a loop over labels stands in another one")
			}
			return l.branches(&n.BranchNode, true, within)
		case ".GroupBySlice", "$.GroupBySlice":
			return l.branches(&n.BranchNode, within, within)
		}
		return l.errorf(n, "a loop goes over something else than .LabelValuesByName and .GroupBySlice")
	case *parse.TemplateNode:
		return errors.New("templates within the template are not read")
	}
	return nil
}

// branches checks what is done and what else.
func (l loops) branches(b *parse.BranchNode, within, elseWithin bool) error {
	if err := l.check(b.List, within); err != nil {
		return err
	}
	return l.check(b.ElseList, elseWithin)
}

func (l loops) errorf(n parse.Node, what string) error {
	return fmt.Errorf("character %d of the template: %s", utf8.RuneCountInString(l.text[:n.Position()])+1, what)
}

// ranged is what a loop goes over, if that is one thing.
func ranged(pipe *parse.PipeNode) string {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return ""
	}
	return pipe.Cmds[0].Args[0].String()
}
