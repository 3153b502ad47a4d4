package application

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/truecount/truecount/internal/strictyaml"
)

// The comments on the fields are the reference: docs/reference is made of them, and this fails when it is old.

func TestTheReferenceIsWhatTheCommentsSay(t *testing.T) {
	compare(t, "application.md", reference(t))
}

func TestTheSchemaIsWhatTheFieldsSay(t *testing.T) {
	text, err := json.MarshalIndent(schema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "application.schema.json", string(text)+"\n")
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "reference", name)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is old; go test ./internal/application -update writes it:\n%s", path, diff)
	}
}

// comments returns the comments of all fields of the package's structs, as "Type.Field", and of the types.
func comments(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			for _, spec := range gen.Specs {
				typ := spec.(*ast.TypeSpec)
				found[typ.Name.Name] = oneLine(gen.Doc.Text())
				structure, ok := typ.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range structure.Fields.List {
					for _, name := range field.Names {
						found[typ.Name.Name+"."+name.Name] = oneLine(field.Doc.Text())
					}
				}
			}
		}
	}
	return found
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// inFile puts the name that a field has in the file in front of its comment, instead of the program's.
func inFile(comment string, f reflect.StructField) string {
	return strings.TrimPrefix(strings.TrimPrefix(comment, f.Name+" "), f.Name+": ")
}

const referenceHead = `# The application file

*Made from the comments in internal/application by "go test ./internal/application -update"; don't edit.*

One file says what the chain needs to know about an application. A file may hold several documents, separated by ` + "`---`" + `, of
the kinds Application (any number) and Local (at most one). JSON is YAML. What a field does not allow, names that are used
and not declared, and fields that are not known are errors with file, line and column. An editor that knows JSON Schema
checks while one types, with this first line: ` + "`# yaml-language-server: $schema=…/application.schema.json`" + `

A duration is written as in Prometheus: ` + "`250ms`, `15s`, `1h30m`, `15d`" + `. A quantity is a number as Kubernetes writes it: ` + "`10m`" + ` is
0.01, ` + "`2k`" + ` is 2000. At most 1 MiB and 20,000 values are read, values behind aliases counted each time they are used; one PromQL
expression has at most 4096 bytes.

`

// reference returns docs/reference/application.md.
func reference(t *testing.T) string {
	t.Helper()
	found := comments(t)
	var b strings.Builder
	b.WriteString(referenceHead)
	section := func(title string, root reflect.Type) {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n| field | value | default | what it says |\n|---|---|---|---|\n", title, found[root.Name()])
		rows(t, &b, found, root, "")
		b.WriteString("\n")
	}
	section("kind: Application", reflect.TypeFor[Application]())
	found["localDocument"] = found["Local"]
	section("kind: Local", reflect.TypeFor[localDocument]())
	return b.String()
}

// rows writes a row for each field of a struct and of the structs below it.
func rows(t *testing.T, b *strings.Builder, found map[string]string, typ reflect.Type, path string) {
	t.Helper()
	for _, f := range strictyaml.Fields(typ) {
		comment := found[typ.Name()+"."+f.Name]
		if comment == "" {
			t.Errorf("%s.%s has no comment", typ.Name(), f.Name)
		}
		name, inner := strictyaml.Join(path, strictyaml.NameOf(f)), f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
			switch inner.Kind() {
			case reflect.Slice:
				name += "[]"
			case reflect.Map:
				name += ".*name*"
			}
			inner = inner.Elem()
		}
		standard := f.Tag.Get("default")
		switch {
		case standard != "":
			standard = "`" + standard + "`"
		case f.Tag.Get("required") != "":
			standard = "**required**"
		}
		cell := strings.ReplaceAll(inFile(comment, f), "|", "\\|")
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", strings.ReplaceAll(name, ".*name*", ".‹name›"), kindOf(f, inner), standard, cell)
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[Quantity]() {
			rows(t, b, found, inner, strings.ReplaceAll(name, ".*name*", ".‹name›"))
		}
	}
}

// kindOf words the type of a field.
func kindOf(f reflect.StructField, inner reflect.Type) string {
	bounds := ""
	if f.Tag.Get("max") != "" {
		bounds = ", " + f.Tag.Get("min") + " to " + f.Tag.Get("max")
	}
	switch {
	case f.Tag.Get("enum") != "":
		return "`" + strings.ReplaceAll(f.Tag.Get("enum"), ",", "`, `") + "`"
	case inner == reflect.TypeFor[Duration]():
		return "duration"
	case inner == reflect.TypeFor[Quantity]():
		return "quantity"
	case inner.Kind() == reflect.Struct:
		return "fields"
	case inner.Kind() == reflect.String:
		return "text"
	case inner.Kind() == reflect.Float64:
		return "number"
	}
	return "whole number" + bounds
}

// schema returns docs/reference/application.schema.json.
func schema(t *testing.T) map[string]any {
	t.Helper()
	found := comments(t)
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Truecount's application file (" + APIVersion + ")",
		"oneOf": []any{
			schemaOf(found, reflect.TypeFor[Application](), ""),
			schemaOf(found, reflect.TypeFor[localDocument](), ""),
		},
	}
}

// schemaOf returns the schema of a type; the tag is that of the field that has it.
func schemaOf(found map[string]string, typ reflect.Type, tag reflect.StructTag) map[string]any {
	switch {
	case typ == reflect.TypeFor[Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9]+(ms|[smhdwy]))+$`}
	case typ == reflect.TypeFor[Quantity]():
		return map[string]any{"type": []string{"string", "number"}}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return schemaOf(found, typ.Elem(), tag)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(found, typ.Elem(), "")}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(found, typ.Elem(), tag)}
	case reflect.Struct:
		return structSchema(found, typ)
	case reflect.String:
		s := map[string]any{"type": "string"}
		if enum := tag.Get("enum"); enum != "" {
			s["enum"] = strings.Split(enum, ",")
		}
		return s
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	s := map[string]any{"type": "integer"}
	for _, bound := range []struct{ tag, keyword string }{{"min", "minimum"}, {"max", "maximum"}} {
		if n, err := strconv.Atoi(tag.Get(bound.tag)); err == nil {
			s[bound.keyword] = n
		}
	}
	return s
}

func structSchema(found map[string]string, typ reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range strictyaml.Fields(typ) {
		s := schemaOf(found, f.Type, f.Tag)
		s["description"] = inFile(found[typ.Name()+"."+f.Name], f)
		if d := f.Tag.Get("default"); d != "" {
			s["default"] = d
			if n, err := strconv.Atoi(d); err == nil && s["type"] == "integer" {
				s["default"] = n
			}
		}
		properties[strictyaml.NameOf(f)] = s
		if f.Tag.Get("required") != "" {
			required = append(required, strictyaml.NameOf(f))
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
