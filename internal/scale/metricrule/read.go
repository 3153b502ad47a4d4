package metricrule

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/strictyaml"
)

// read takes a source apart. What it is, is told by its content: adapter rules, chart values with them, a ConfigMap with such files,
// or applications. A source with a namespace may name no servers but those, and has the room that the others of its namespace leave.
func read(source Source, servers []string, others cost) *loaded {
	r := &reader{loaded: &loaded{source: source, spent: others}, servers: servers}
	docs, errs := strictyaml.Parse(source.Name, source.Data)
	for _, err := range errs {
		r.fail(err)
	}
	if len(errs) > 0 {
		r.unreadable = true
		return r.loaded
	}
	if len(docs) == 0 {
		return r.loaded // an empty file has no rules
	}
	for _, doc := range docs {
		if r.full() {
			break
		}
		r.document(doc)
	}
	switch {
	case len(r.slots) > maxRules:
		r.refuseAll(docs[0].ErrorAt(docs[0].Start(), "", "split the file, or use patterns in seriesQuery", "there are more than %d rules", maxRules))
	case r.full():
		r.refuseAll(docs[0].ErrorAt(docs[0].Start(), "", "use aliases less, or split the file", "with its aliases written out it is larger than %d MiB", maxWritten>>20))
	}
	return r.loaded
}

// full says whether the source has more than is read of one: behind aliases there may be very much.
func (r *reader) full() bool { return len(r.slots) > maxRules || r.written > maxWritten }

// newSlot returns a slot for what is written at n, and the size of that.
func (r *reader) newSlot(section string, n *yaml.Node) (*slot, int) {
	s := &slot{section: section}
	size := 0
	s.wording, size = r.writer.wordingOf(n, maxWritten-r.written)
	r.written += size
	r.slots = append(r.slots, s)
	return s, size
}

// reader collects what one source says.
type reader struct {
	*loaded
	servers []string // that a source with a namespace may name
	told    int      // mistakes
	written int      // bytes of all slots, aliases written out
	writer  writer
}

func (r *reader) document(doc *strictyaml.Document) {
	doc.NullIsLeftOut = true
	root := doc.Root()
	if root.Kind != yaml.MappingNode {
		r.fail(doc.ErrorAt(doc.Start(), "", "begin with: rules:", "want the fields of an adapter configuration, got %s", strictyaml.Describe(root)))
		r.unreadable = true
		return
	}
	kind, _ := doc.Text("kind")
	rules := doc.Field("rules")
	switch {
	case kind == "ConfigMap":
		r.fail(doc.ErrorAt(doc.Start(), "", "give the file that is in it, or run truecount-adapter migrate on it", "want an adapter configuration, got a ConfigMap"))
		r.unreadable = true
	case doc.Field("apiVersion") != nil || kind != "":
		r.application(doc)
	case rules != nil && rules.Kind == yaml.MappingNode:
		r.chartValues(doc, rules)
	default:
		r.rulesDocument(doc)
	}
}

// rulesDocument reads a document of prometheus-adapter's own.
func (r *reader) rulesDocument(doc *strictyaml.Document) {
	known := []string{"rules", "externalRules", "resourceRules"}
	r.eachField(doc, doc.Root(), "", known, func(name string, value *yaml.Node) {
		switch name {
		case "rules":
			r.ruleList(doc, value, name, Custom)
		case "externalRules":
			r.ruleList(doc, value, name, External)
		case "resourceRules":
			r.resourceRulesAt(doc, value, name)
		}
	})
}

// eachField calls visit for each known field of a mapping that has a value, and records those that are not known.
func (r *reader) eachField(doc *strictyaml.Document, n *yaml.Node, path string, known []string, visit func(string, *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, at := n.Content[i], strictyaml.At(n.Content[i])
		switch {
		case !slices.Contains(known, name.Value):
			r.fail(doc.ErrorAt(at, strictyaml.Join(path, name.Value), strictyaml.Suggest(name.Value, known, "known here: "+strings.Join(known, ", ")), "unknown field"))
		case seen[name.Value]:
			r.fail(doc.ErrorAt(at, strictyaml.Join(path, name.Value), "leave one", "is given twice"))
		default:
			seen[name.Value] = true
			if value := behindAlias(n.Content[i+1]); value.ShortTag() != "!!null" {
				visit(name.Value, value)
			}
		}
	}
}

func behindAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// ruleList reads the rules of one list, each on its own.
func (r *reader) ruleList(doc *strictyaml.Document, list *yaml.Node, path string, kind Kind) {
	if list.Kind != yaml.SequenceNode {
		r.fail(doc.ErrorAt(strictyaml.At(list), path, "write one - seriesQuery: … for each rule below it", "want a list of rules, got %s", strictyaml.Describe(list)))
		return
	}
	for i, n := range list.Content {
		if r.full() {
			return // the source is refused
		}
		r.rule(doc, n, fmt.Sprintf("%s[%d]", path, i), path, kind)
	}
}

// rule reads one rule into a slot.
func (r *reader) rule(doc *strictyaml.Document, n *yaml.Node, path, section string, kind Kind) {
	s, size := r.newSlot(section, n)
	if r.full() {
		return
	}
	doc = doc.Part(maxTold - r.told)
	var fields ruleFields
	if errs := doc.DecodeField(n, path, &fields); len(errs) > 0 {
		r.refuse(s, errs...)
		return
	}
	if !r.admit(doc, path, s, costOfRule(size, fields)) {
		return
	}
	rule, mistake := compile(kind, fields)
	if mistake == nil {
		mistake = r.mayAsk(fields.Server)
	}
	if mistake != nil {
		at := path
		if mistake.field != "" {
			at += "." + mistake.field
		}
		r.giveBack(s)
		r.refuse(s, doc.Errorf(at, mistake.hint, "%s", mistake.message))
		return
	}
	rule.Origin, rule.Source, rule.Namespace = doc.Where(path), r.source.Name, r.source.Namespace
	s.rules = []*Rule{rule}
}

// mayAsk says whether a rule of the source may name a server. Of one that it may not it doesn't say whether there is one.
func (r *reader) mayAsk(server string) *ruleMistake {
	if r.source.Namespace == "" || server == "" || slices.Contains(r.servers, server) {
		return nil
	}
	return mistakef("server", "leave server out, or have the adapter's operator allow it by --config-map-servers",
		"rules of a namespace may not ask the server %s", strictyaml.Quote(server))
}

// resourceRulesAt checks rules of metrics.k8s.io, which are not served.
func (r *reader) resourceRulesAt(doc *strictyaml.Document, n *yaml.Node, path string) {
	var fields resourceRules
	for _, err := range doc.DecodeField(n, path, &fields) {
		r.fail(err)
	}
	r.resourceRules = doc.Where(path)
}
