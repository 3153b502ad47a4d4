package metricrule

import (
	_ "embed"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/strictyaml"
)

// defaultRules are prometheus-adapter's (cmd/config-gen, and the chart's templates/configmap.yaml).
//
//go:embed default-rules.yaml
var defaultRules []byte

// DefaultRulesName is what messages call the default rules.
const DefaultRulesName = "default-rules.yaml"

// chartValues reads the values of the chart prometheus-community/prometheus-adapter: what is below rules. Its other values are not
// about rules.
func (r *reader) chartValues(doc *strictyaml.Document, rules *yaml.Node) {
	withDefaults, existing := true, false // as in the chart's own values.yaml
	r.eachField(doc, rules, "rules", []string{"default", "custom", "external", "resource", "existing"}, func(name string, value *yaml.Node) {
		path := "rules." + name
		switch name {
		case "default":
			for _, err := range doc.DecodeField(value, path, &withDefaults) {
				r.fail(err)
			}
		case "custom":
			r.ruleList(doc, value, path, Custom)
		case "external":
			r.ruleList(doc, value, path, External)
		case "resource":
			if len(value.Content) > 0 { // {} is the chart's own
				r.resourceRulesAt(doc, value, path)
			}
		case "existing":
			existing = value.Value != ""
			if existing {
				r.fail(doc.ErrorAt(strictyaml.At(value), path, "take the rules from that ConfigMap: kubectl get configmap "+value.Value+" -o yaml",
					"the rules are in the ConfigMap %s; with it the chart reads none of these values", strictyaml.Quote(value.Value)))
			}
		}
	})
	if existing {
		r.slots = nil
		return
	}
	if withDefaults {
		r.addDefaults()
	}
}

// addDefaults adds the default rules, in front as the chart does.
func (r *reader) addDefaults() {
	custom := r.slots
	r.slots = nil
	docs, _ := strictyaml.Parse(DefaultRulesName, defaultRules) // a test reads them
	for _, doc := range docs {
		list := doc.Field("rules")
		for i, n := range list.Content {
			r.rule(doc, behindAlias(n), fmt.Sprintf("rules[%d]", i), "default rules", Custom)
		}
	}
	r.slots = append(r.slots, custom...)
}
