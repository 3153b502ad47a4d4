package strictyaml

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
	doc    *Document
	places reflect.Type
	errs   Errors
	values int
}

// fail records a mistake at a node.
func (d *decoder) fail(n *yaml.Node, path, hint, format string, args ...any) {
	d.errs = append(d.errs, d.doc.ErrorAt(Position{n.Line, n.Column}, path, hint, format, args...))
}

// full says whether enough has been read and refused; what follows then is not read.
func (d *decoder) full() bool { return d.values > maxValues || len(d.errs) > d.doc.mistakes }

// MaxErrors bounds the mistakes of one file that are reported.
const MaxErrors = 50

// document reads a value into the struct that out points to.
func (d *decoder) document(root *yaml.Node, path string, out any) {
	SetDefaults(out)
	d.value(root, reflect.ValueOf(out).Elem(), path, "")
	if d.values > maxValues {
		d.fail(root, path, "write fewer values, or use aliases less", "there are more than %d values", maxValues)
	}
}

// value reads n into v. The tag is that of the field that v belongs to.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	at := Position{n.Line, n.Column}
	if d.values++; d.full() {
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if _, ok := d.doc.at[path]; !ok && path != "" {
		d.doc.at[path] = at
	}
	if !plainTag(n) {
		d.fail(n, path, "leave the tag out", "unknown tag %s", Quote(n.Tag))
		return
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		if d.doc.NullIsLeftOut {
			return
		}
		d.fail(n, path, nullHint(v.Type()), "has no value")
		return
	}
	d.typed(n, v, path, tag)
}

// typed reads n, which is no alias and not null, by the type of v.
func (d *decoder) typed(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if scalar, ok := v.Addr().Interface().(Scalar); ok {
		d.scalar(n, scalar, path)
		return
	}
	if v.Type() == reflect.TypeFor[*yaml.Node]() {
		v.Set(reflect.ValueOf(n)) // known, and not looked into
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		SetDefaults(v.Interface())
		d.typed(n, v.Elem(), path, tag)
	case reflect.Struct:
		d.fields(n, v, path)
	case reflect.Map:
		d.entries(n, v, path, tag)
	case reflect.Slice:
		d.items(n, v, path)
	case reflect.String:
		d.text(n, v, path, tag)
	case reflect.Bool:
		d.truth(n, v, path)
	case reflect.Int, reflect.Int32:
		d.whole(n, v, path, tag)
	case reflect.Float64:
		d.number(n, v, path)
	default:
		panic("strictyaml: no rule for fields of " + v.Kind().String()) // a test walks all fields
	}
}

// fields reads a mapping into a struct: known fields only, each once, required ones all.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "its fields: "+strings.Join(fieldNames(v.Type()), ", "), "want fields, got %s", Describe(n))
		return
	}
	seen, meant := d.keys(n, path), map[string]bool{}
	if seen == nil {
		return
	}
	for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] != key {
			continue // refused by keys
		}
		field, ok := fieldOf(v.Type(), key.Value)
		if !ok {
			meant[closest(key.Value, fieldNames(v.Type()))] = true
			d.fail(key, Join(path, key.Value), d.unknownHint(key.Value, v.Type()), "unknown field")
			continue
		}
		d.value(value, v.FieldByIndex(field.Index), Join(path, key.Value), field.Tag)
	}
	for _, field := range Fields(v.Type()) {
		if _, ok := seen[NameOf(field)]; !ok && !meant[NameOf(field)] && field.Tag.Get("required") != "" {
			d.fail(n, Join(path, NameOf(field)), "add it: "+NameOf(field)+": "+example(field), "is missing")
		}
	}
}

// entries reads a mapping into a map by text. The field's enum is that of its values.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "write one name: value on each line below it", "want names and their values, got %s", Describe(n))
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
			SetDefaults(item.Addr().Interface())
		}
		d.value(value, item, Join(path, key.Value), tag)
		v.SetMapIndex(reflect.ValueOf(key.Value), item)
	}
}

// keys returns the nodes of the keys of a mapping by their text, and refuses what is no text or there twice. It is nil if there are
// more values than are read.
func (d *decoder) keys(n *yaml.Node, path string) map[string]*yaml.Node {
	seen := make(map[string]*yaml.Node, min(len(n.Content)/2, maxValues))
	for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
		if d.values+len(seen) > maxValues {
			d.values = maxValues + 1 // each has a value, or is a mistake
			return nil
		}
		key := n.Content[i]
		switch first := seen[key.Value]; {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
			d.fail(key, Join(path, "<<"), "write the fields out, or use an alias for one whole value", "merge keys are not read here")
		case key.Kind != yaml.ScalarNode:
			d.fail(key, path, "put the name of a field before the \":\"", "want the name of a field, got %s", Describe(key))
		case first != nil:
			d.fail(key, Join(path, key.Value), "leave one", "is given twice, first at line %d", first.Line)
		default:
			seen[key.Value] = key
			if _, ok := d.doc.keys[Join(path, key.Value)]; !ok {
				d.doc.keys[Join(path, key.Value)] = Position{key.Line, key.Column}
			}
		}
	}
	return seen
}

// items reads a sequence into a slice.
func (d *decoder) items(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "write one - item on each line below it, or [a, b]", "want a list, got %s", Describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, min(len(n.Content), 64)))
	for i, c := range n.Content {
		if d.full() {
			return
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if item.Kind() == reflect.Struct {
			SetDefaults(item.Addr().Interface())
		}
		d.value(c, item, fmt.Sprintf("%s[%d]", path, i), "")
		v.Set(reflect.Append(v, item))
	}
}
