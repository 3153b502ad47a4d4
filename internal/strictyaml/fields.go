package strictyaml

import (
	"reflect"
	"strconv"
	"strings"
)

// Fields returns the fields of a struct that the file knows, in their order.
func Fields(t reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Tag.Get("yaml") != "" {
			out = append(out, f)
		}
	}
	return out
}

// NameOf returns the name of a field in the file.
func NameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func fieldNames(t reflect.Type) []string {
	var out []string
	for _, f := range Fields(t) {
		out = append(out, NameOf(f))
	}
	return out
}

func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range Fields(t) {
		if NameOf(f) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// SetDefaults gives the fields of the struct that pointer points to their defaults, and those of the structs in it.
func SetDefaults(pointer any) {
	v := reflect.ValueOf(pointer).Elem()
	if v.Kind() != reflect.Struct {
		return
	}
	for _, f := range Fields(v.Type()) {
		field, text := v.FieldByIndex(f.Index), f.Tag.Get("default")
		switch {
		case field.Kind() == reflect.Struct:
			SetDefaults(field.Addr().Interface())
		case text == "":
		case setScalar(field, text):
		case field.Kind() == reflect.String:
			field.SetString(text)
		case field.CanInt():
			i, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				panic("strictyaml: the default of " + f.Name + " is no number") // a test sets all defaults
			}
			field.SetInt(i)
		}
	}
}

// setScalar gives a field of a type of its own its default.
func setScalar(field reflect.Value, text string) bool {
	scalar, ok := field.Addr().Interface().(Scalar)
	return ok && scalar.SetScalar(text)
}

// Join adds a name to a path. A name that would not read as one step is put in quotes.
func Join(path, name string) string {
	if name == "" || strings.ContainsAny(name, ". []\":\n\t\r") || len(name) > 80 {
		name = Quote(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
