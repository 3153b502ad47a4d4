package application

import (
	"reflect"
	"strconv"
	"strings"
)

// structFields returns the fields of a struct that the file knows, in their order.
func structFields(t reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Tag.Get("yaml") != "" {
			out = append(out, f)
		}
	}
	return out
}

// nameOf returns the name of a field in the file.
func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func fieldNames(t reflect.Type) []string {
	var out []string
	for _, f := range structFields(t) {
		out = append(out, nameOf(f))
	}
	return out
}

func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range structFields(t) {
		if nameOf(f) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// setDefaults gives the fields of the struct that pointer points to their defaults, and those of the structs in it.
func setDefaults(pointer any) {
	v := reflect.ValueOf(pointer).Elem()
	if v.Kind() != reflect.Struct {
		return
	}
	for _, f := range structFields(v.Type()) {
		field, text := v.FieldByIndex(f.Index), f.Tag.Get("default")
		switch {
		case field.Kind() == reflect.Struct:
			setDefaults(field.Addr().Interface())
		case text == "":
		case field.Type() == reflect.TypeFor[Duration]():
			field.SetInt(int64(mustDuration(text)))
		case field.Kind() == reflect.String:
			field.SetString(text)
		case field.CanInt():
			i, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				panic("application: the default of " + f.Name + " is no number") // a test sets all defaults
			}
			field.SetInt(i)
		}
	}
}

// join adds a name to a path. A name that would not read as one step is put in quotes.
func join(path, name string) string {
	if name == "" || strings.ContainsAny(name, ". []\":\n\t\r") || len(name) > 80 {
		name = quote(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
