package application

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxValues bounds the values of one document, those behind aliases counted each time they are used. The largest sensible file
// is far below it. Depth needs no bound of its own: no field holds one of its own kind.
const maxValues = 20_000

// decoder reads one document into a struct, strictly, and goes on after mistakes.
type decoder struct {
	source *source
	errs   Errors
	values int
}

// fail records a mistake at a node.
func (d *decoder) fail(n *yaml.Node, path, hint, format string, args ...any) {
	d.errs = append(d.errs, d.source.errorAt(position{n.Line, n.Column}, path, hint, format, args...))
}

// full says whether enough has been read and refused; what follows then is not read.
func (d *decoder) full() bool { return d.values > maxValues || len(d.errs) > maxErrors }

// maxErrors bounds the mistakes of one file that are reported.
const maxErrors = 50

// kind returns the kind of a document; false if there is none that we know, with the mistake recorded.
func (d *decoder) kind(root *yaml.Node) (string, bool) {
	if root.Kind != yaml.MappingNode {
		d.fail(root, "", "begin with: apiVersion: "+APIVersion, "want the fields of an application, got %s", describe(root))
		return "", false
	}
	kinds := []string{"Application", "Local"}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Value != "kind" {
			continue
		}
		for _, k := range kinds {
			if value.Value == k {
				return k, true
			}
		}
		d.fail(value, "kind", suggest(value.Value, kinds, "the kinds are Application and Local"), "unknown kind %s", quote(value.Value))
		return "", false
	}
	d.fail(root, "kind", "the kinds are Application and Local", "is missing")
	return "", false
}

// document reads the root of a document into the struct that out points to.
func (d *decoder) document(root *yaml.Node, out any) {
	setDefaults(out)
	d.value(root, reflect.ValueOf(out).Elem(), "", "")
	if d.values > maxValues {
		d.fail(root, "", "write fewer values, or use aliases less", "there are more than %d values", maxValues)
	}
}

// value reads n into v. The tag is that of the field that v belongs to.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	at := position{n.Line, n.Column}
	if d.values++; d.full() {
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if _, ok := d.source.at[path]; !ok && path != "" {
		d.source.at[path] = at
	}
	if !plainTag(n) {
		d.fail(n, path, "leave the tag out", "unknown tag %s", quote(n.Tag))
		return
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		d.fail(n, path, nullHint(v.Type()), "has no value")
		return
	}
	d.typed(n, v, path, tag)
}

// typed reads n, which is no alias and not null, by the type of v.
func (d *decoder) typed(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	switch v.Addr().Interface().(type) {
	case *Duration:
		d.duration(n, v, path)
		return
	case *Quantity:
		d.quantity(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setDefaults(v.Interface())
		d.typed(n, v.Elem(), path, tag)
	case reflect.Struct:
		d.fields(n, v, path)
	case reflect.Map:
		d.entries(n, v, path, tag)
	case reflect.Slice:
		d.items(n, v, path)
	case reflect.String:
		d.text(n, v, path, tag)
	case reflect.Int, reflect.Int32:
		d.whole(n, v, path, tag)
	case reflect.Float64:
		d.number(n, v, path)
	default:
		panic("application: no rule for fields of " + v.Kind().String()) // a test walks all fields
	}
}

// fields reads a mapping into a struct: known fields only, each once, required ones all.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "its fields: "+strings.Join(fieldNames(v.Type()), ", "), "want fields, got %s", describe(n))
		return
	}
	seen, meant := d.keys(n, path), map[string]bool{}
	for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] != key {
			continue // refused by keys
		}
		field, ok := fieldOf(v.Type(), key.Value)
		if !ok {
			meant[closest(key.Value, fieldNames(v.Type()))] = true
			d.fail(key, join(path, key.Value), unknownHint(key.Value, v.Type()), "unknown field")
			continue
		}
		d.value(value, v.FieldByIndex(field.Index), join(path, key.Value), field.Tag)
	}
	for _, field := range structFields(v.Type()) {
		if _, ok := seen[nameOf(field)]; !ok && !meant[nameOf(field)] && field.Tag.Get("required") != "" {
			d.fail(n, join(path, nameOf(field)), "add it: "+nameOf(field)+": "+example(field), "is missing")
		}
	}
}

// entries reads a mapping into a map by text. The field's enum is that of its values.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "write one name: value on each line below it", "want names and their values, got %s", describe(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := d.keys(n, path)
	for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] != key {
			continue // refused by keys
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if item.Kind() == reflect.Struct {
			setDefaults(item.Addr().Interface())
		}
		d.value(value, item, join(path, key.Value), tag)
		v.SetMapIndex(reflect.ValueOf(key.Value), item)
	}
}

// keys returns the nodes of the keys of a mapping by their text, and refuses what is no text or there twice.
func (d *decoder) keys(n *yaml.Node, path string) map[string]*yaml.Node {
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
		key := n.Content[i]
		switch first := seen[key.Value]; {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
			d.fail(key, join(path, "<<"), "write the fields out, or use an alias for one whole value", "merge keys are not read here")
		case key.Kind != yaml.ScalarNode:
			d.fail(key, path, "put the name of a field before the \":\"", "want the name of a field, got %s", describe(key))
		case first != nil:
			d.fail(key, join(path, key.Value), "leave one", "is given twice, first at line %d", first.Line)
		default:
			seen[key.Value] = key
			if _, ok := d.source.keys[join(path, key.Value)]; !ok {
				d.source.keys[join(path, key.Value)] = position{key.Line, key.Column}
			}
		}
	}
	return seen
}

// items reads a sequence into a slice.
func (d *decoder) items(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "write one - item on each line below it, or [a, b]", "want a list, got %s", describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, min(len(n.Content), 64)))
	for i, c := range n.Content {
		if d.full() {
			return
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if item.Kind() == reflect.Struct {
			setDefaults(item.Addr().Interface())
		}
		d.value(c, item, fmt.Sprintf("%s[%d]", path, i), "")
		v.Set(reflect.Append(v, item))
	}
}
