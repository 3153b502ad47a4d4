package migrate

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpamanifest"
	"github.com/truecount/truecount/internal/scale/metricrule"
	"github.com/truecount/truecount/internal/strictyaml"
)

// File is one file of the command line.
type File struct {
	// Name is what messages call it.
	Name string
	// Data is its content.
	Data []byte
}

// Plan is what the files say.
type Plan struct {
	// Rules are the rules of all files. What has to be asked for a report is [metricrule.Set.Discoveries].
	Rules *metricrule.Set
	// Autoscalers are the manifests, in their order.
	Autoscalers []*hpamanifest.Manifest
}

// Read takes files apart. Mistakes in rules are in the report; a manifest with mistakes, and a file that is neither, is an error.
func Read(o metricrule.Options, files ...File) (*Plan, error) {
	p := &Plan{Rules: metricrule.NewSet(o)}
	var errs []error
	for _, f := range files {
		if err := p.add(f); err != nil {
			errs = append(errs, err)
		}
	}
	return p, errors.Join(errs...)
}

func (p *Plan) add(f File) error {
	docs, _ := strictyaml.Parse(f.Name, f.Data) // what is no YAML is told by whoever reads it
	manifests, others := 0, 0
	for _, doc := range docs {
		switch kind, _ := doc.Text("kind"); {
		case kind == "HorizontalPodAutoscaler" || strings.HasSuffix(kind, "List"):
			manifests++
		case kind == "ConfigMap":
			others++
			p.configMap(f, doc)
		case kind == "":
			others++
			p.Rules = p.Rules.Replace(metricrule.Source{Name: f.Name, Data: f.Data})
		}
	}
	switch {
	case manifests > 0:
		found, err := hpamanifest.Read(f.Name, f.Data)
		p.Autoscalers = append(p.Autoscalers, found...)
		return err
	case len(docs) == 0:
		p.Rules = p.Rules.Replace(metricrule.Source{Name: f.Name, Data: f.Data})
	case others == 0:
		return hint.Errorf("give prometheus-adapter's configuration, its ConfigMap, the chart's values, or manifests of HorizontalPodAutoscalers",
			"%s: neither an adapter configuration nor a HorizontalPodAutoscaler is in it", f.Name)
	}
	return nil
}

// configMap reads the files in a ConfigMap.
func (p *Plan) configMap(f File, doc *strictyaml.Document) {
	data := doc.Field("data")
	if data == nil || data.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(data.Content); i += 2 {
		key, value := data.Content[i].Value, data.Content[i+1]
		if !strings.HasSuffix(key, ".yaml") && !strings.HasSuffix(key, ".yml") {
			continue
		}
		p.Rules = p.Rules.Replace(inside(f, key, value))
	}
}

// inside returns a file that stands in another one. Of a literal block (|) lines and columns are those of the outer file: it is filled
// up with the lines before, and indented as it is there.
func inside(f File, key string, value *yaml.Node) metricrule.Source {
	if value.Style&yaml.LiteralStyle == 0 {
		return metricrule.Source{Name: fmt.Sprintf("%s: %s", f.Name, key), Data: []byte(value.Value)}
	}
	indent := ""
	if lines := strings.Split(string(f.Data), "\n"); value.Line < len(lines) {
		first := lines[value.Line]
		indent = first[:len(first)-len(strings.TrimLeft(first, " "))]
	}
	text := strings.Repeat("\n", value.Line) + indent + strings.ReplaceAll(value.Value, "\n", "\n"+indent)
	return metricrule.Source{Name: f.Name, Data: []byte(strings.TrimRight(text, " "))}
}
