package hpamanifest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/truecount/truecount/internal/strictyaml"
)

// Manifest is one HorizontalPodAutoscaler of a file.
type Manifest struct {
	// HPA is the object in autoscaling/v2, without status and what the API server fills in.
	HPA *autoscalingv2.HorizontalPodAutoscaler
	// Version is the apiVersion that the file has, as autoscaling/v2beta1.
	Version string
	// Where is file:line:column of the object.
	Where string
	// Changes says what autoscaling/v2 writes otherwise, in the order of the file; empty for autoscaling/v2.
	Changes []Change
}

// Change is one difference between the manifest and its form in autoscaling/v2.
type Change struct {
	// Path names the field in the file, as spec.metrics[0].pods.metricName.
	Path string
	// What says what became of it.
	What string
}

// String returns the change on one line.
func (c Change) String() string { return c.Path + ": " + c.What }

// versions are the apiVersions that are read.
var versions = []string{"autoscaling/v2", "autoscaling/v2beta2", "autoscaling/v2beta1", "autoscaling/v1"}

const kind = "HorizontalPodAutoscaler"

// Read returns the HorizontalPodAutoscalers in data, the content of the file called name, in their order; none is no error. Mistakes are
// [strictyaml.Errors], all of them.
func Read(name string, data []byte) ([]*Manifest, error) {
	docs, errs := strictyaml.Parse(name, data)
	r := &reader{}
	for _, doc := range docs {
		doc.NullIsLeftOut = true
		doc.Places = (*current)(nil)
		r.object(doc, doc.Root(), "")
	}
	if err := append(errs, r.errs...).OrNil(); err != nil {
		return nil, err
	}
	return r.found, nil
}

// YAML writes the object in autoscaling/v2.
func (m *Manifest) YAML() ([]byte, error) {
	text, err := json.Marshal(m.HPA)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", m.HPA.Name, err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, fmt.Errorf("write %s: %w", m.HPA.Name, err)
	}
	delete(object, "status")
	return sigsyaml.Marshal(object)
}

// reader collects what one file has.
type reader struct {
	found []*Manifest
	errs  strictyaml.Errors
}

// object reads one object, if it is an autoscaler or a list of objects.
func (r *reader) object(doc *strictyaml.Document, n *yaml.Node, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	version, objectKind := child(n, "apiVersion"), child(n, "kind")
	if objectKind == nil {
		return
	}
	switch items := child(n, "items"); {
	case items != nil && (objectKind.Value == "List" || objectKind.Value == kind+"List"):
		if path != "" {
			return // a list in a list is no manifest
		}
		for i, item := range items.Content {
			r.object(doc, item, fmt.Sprintf("items[%d]", i))
		}
	case objectKind.Value == kind:
		if version == nil || !slices.Contains(versions, version.Value) {
			at, got := strictyaml.At(objectKind), "nothing"
			if version != nil {
				at, got = strictyaml.At(version), strictyaml.Quote(version.Value)
			}
			r.errs = append(r.errs, doc.ErrorAt(at, join(path, "apiVersion"), "write autoscaling/v2", "want one of %s, got %s", strings.Join(versions, ", "), got))
			return
		}
		r.autoscaler(doc, n, path, version.Value)
	}
}

func (r *reader) autoscaler(doc *strictyaml.Document, n *yaml.Node, path, version string) {
	c := &converter{doc: doc, path: path, version: version}
	hpa := c.convert(n)
	if len(c.errs) > 0 {
		r.errs = append(r.errs, c.errs...)
		return
	}
	at := strictyaml.At(n)
	r.found = append(r.found, &Manifest{
		HPA: hpa, Version: version, Where: fmt.Sprintf("%s:%d:%d", doc.File(), at.Line, at.Column), Changes: c.changes,
	})
}

// child returns the value of a field of a mapping, or nil.
func child(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// join puts a field behind the path of an object; the path of a single document is empty.
func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
