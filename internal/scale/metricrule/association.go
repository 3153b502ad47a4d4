package metricrule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resources that no namespace holds. prometheus-adapter knows just these.
var (
	namespaces        = schema.GroupResource{Resource: "namespaces"}
	nodes             = schema.GroupResource{Resource: "nodes"}
	persistentVolumes = schema.GroupResource{Resource: "persistentvolumes"}
)

// Namespaced says whether objects of a resource are asked for in a namespace.
func Namespaced(resource schema.GroupResource) bool {
	return resource != namespaces && resource != nodes && resource != persistentVolumes
}

// association says which label of a series names which resource.
type association struct {
	template  *boundedTemplate // of a label, from Group and Resource; may be nil
	extract   *regexp.Regexp   // of the template's labels
	overrides map[string]schema.GroupResource
}

func compileAssociation(f resourceFields) (association, *ruleMistake) {
	a := association{overrides: map[string]schema.GroupResource{}}
	for label, r := range f.Overrides {
		a.overrides[label] = schema.GroupResource{Group: r.Group, Resource: r.Resource}
	}
	if f.Template == "" {
		return a, nil
	}
	refuse := func(err error) (association, *ruleMistake) {
		return association{}, mistakef("resources.template", "write the label's name with <<.Resource>> in it, as kube_<<.Resource>>", "%v", err)
	}
	parsed, err := parseTemplate(f.Template)
	if err != nil {
		return refuse(err)
	}
	text, err := parsed.execute(schema.GroupResource{Group: "(?P<group>.+?)", Resource: "(?P<resource>.+?)"})
	if err != nil {
		return refuse(err)
	}
	regex, err := compileRegex("^" + text + "$")
	if err != nil {
		return refuse(err)
	}
	if regex.SubexpIndex("resource") < 0 {
		return refuse(fmt.Errorf("the label does not depend on the resource"))
	}
	a.template, a.extract = parsed, regex
	return a, nil
}

// associator answers for one rule in one cluster. It remembers what it found out and is used by one goroutine.
type associator struct {
	association
	mapper     meta.RESTMapper
	byLabel    map[string]schema.GroupResource // of labels asked for; the zero value is none
	byResource map[schema.GroupResource][]string
	unknown    []string // labels of overrides whose resource the cluster does not know, sorted
}

// in resolves the overrides in a cluster.
func (a association) in(mapper meta.RESTMapper) *associator {
	out := &associator{association: a, mapper: mapper, byLabel: map[string]schema.GroupResource{}, byResource: map[schema.GroupResource][]string{}}
	for _, label := range slices.Sorted(maps.Keys(a.overrides)) {
		resource, ok := canonical(mapper, a.overrides[label])
		if !ok {
			out.unknown = append(out.unknown, label)
			continue
		}
		out.byLabel[label] = resource
		out.byResource[resource] = append(out.byResource[resource], label)
	}
	return out
}

// canonical returns the resource by the name that the API has, as pods for pod.
func canonical(mapper meta.RESTMapper, r schema.GroupResource) (schema.GroupResource, bool) {
	full, err := mapper.ResourceFor(r.WithVersion(""))
	return full.GroupResource(), err == nil
}

// resourceOf returns the resource that a label names.
func (a *associator) resourceOf(label string) (schema.GroupResource, bool) {
	resource, known := a.byLabel[label]
	if !known {
		resource = a.extracted(label)
		a.byLabel[label] = resource
	}
	return resource, resource.Resource != ""
}

func (a *associator) extracted(label string) schema.GroupResource {
	if a.extract == nil {
		return schema.GroupResource{}
	}
	match := a.extract.FindStringSubmatch(label)
	if match == nil {
		return schema.GroupResource{}
	}
	found := schema.GroupResource{Resource: match[a.extract.SubexpIndex("resource")]}
	if i := a.extract.SubexpIndex("group"); i >= 0 {
		found.Group = match[i]
	}
	resource, ok := canonical(a.mapper, found)
	if !ok {
		return schema.GroupResource{}
	}
	return resource
}

// labelOf returns the label that names objects of a resource.
func (a *associator) labelOf(resource schema.GroupResource) (string, error) {
	switch labels := a.byResource[resource]; {
	case len(labels) == 1:
		return labels[0], nil
	case len(labels) > 1:
		return "", &ambiguousLabels{resource, labels}
	case a.template == nil:
		return "", fmt.Errorf("no label of the rule names %s", resource)
	}
	singular, err := a.mapper.ResourceSingularizer(resource.Resource)
	if err != nil {
		return "", fmt.Errorf("the singular of %s is not known", resource)
	}
	label, err := a.template.execute(schema.GroupResource{Group: groupInLabels.Replace(resource.Group), Resource: singular})
	if err != nil {
		return "", err
	}
	return label, nil
}

// groupInLabels writes a group as a part of a label.
var groupInLabels = strings.NewReplacer(".", "_", "-", "_")

// ambiguousLabels is the error of two overrides that name one resource.
type ambiguousLabels struct {
	resource schema.GroupResource
	labels   []string
}

func (e *ambiguousLabels) Error() string {
	return fmt.Sprintf("the overrides %s name one resource, %s", strings.Join(e.labels, " and "), e.resource)
}
