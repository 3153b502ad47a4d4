package application

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/strictyaml"
)

// Error is one mistake in an application file.
type Error = strictyaml.Error

// Errors are all mistakes of a file, sorted by position. It is what [Load] and [Parse] return; never empty.
type Errors = strictyaml.Errors

// Load reads the file at path and checks it; see [Parse].
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Errorf("name the file with -f, or write one: docs/reference/application.md", "%s: no such file", path)
	}
	if err != nil {
		return nil, hint.Errorf("the file must be readable by the user that runs truecount", "%s: %w", path, plainCause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
	if err != nil {
		return nil, hint.Errorf("name one file, not a folder", "%s: %w", path, plainCause(err))
	}
	return Parse(path, data)
}

// plainCause takes the operation and the path off an error of package os: the caller has said both.
func plainCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse reads data, the content of the file called name: YAML documents of the kinds Application and Local (JSON is
// YAML, too). Fields that are left out get their defaults. A file with mistakes returns [Errors], all of them; time and
// memory are bounded whatever the data.
func Parse(name string, data []byte) (*File, error) {
	p := &fileParser{file: &File{Name: name}}
	docs, syntax := strictyaml.Parse(name, data)
	for _, doc := range docs {
		if len(p.errs) > strictyaml.MaxErrors {
			break
		}
		p.document(doc)
	}
	p.errs = append(p.errs, syntax...)
	if len(p.errs) == 0 && len(p.file.Applications) == 0 && p.file.Local == nil {
		p.errs = append(p.errs, &Error{File: name, Line: 1, Column: 1, Message: "the file is empty", Hint: "begin with: apiVersion: " + APIVersion})
	}
	p.errs = append(p.errs, duplicateNames(p.file.Applications)...)
	if err := p.errs.OrNil(); err != nil {
		return nil, err
	}
	return p.file, nil
}

// fileParser collects what one file says, and its mistakes.
type fileParser struct {
	file  *File
	errs  Errors
	local *strictyaml.Document // the first of kind Local, even a wrong one
}

// document decodes and checks one document by its kind.
func (p *fileParser) document(doc *strictyaml.Document) {
	doc.Secrets, doc.Places, doc.NullIsLeftOut = mayBeSecret, (*Application)(nil), false
	switch kind, err := documentKind(doc); {
	case err != nil:
		p.errs = append(p.errs, err)
	case kind == "Local":
		p.localDocument(doc)
	default:
		a := &Application{source: doc}
		errs := doc.Decode(a)
		p.errs = append(p.errs, withMeaning(errs, a.check())...)
		p.file.Applications = append(p.file.Applications, a)
	}
}

// documentKind returns the kind of a document, or the mistake if there is none that we know.
func documentKind(doc *strictyaml.Document) (string, *Error) {
	root := doc.Root()
	if root.Kind != yaml.MappingNode {
		return "", doc.ErrorAt(doc.Start(), "", "begin with: apiVersion: "+APIVersion, "want the fields of an application, got %s", strictyaml.Describe(root))
	}
	kinds := []string{"Application", "Local"}
	value := doc.Field("kind")
	switch {
	case value == nil:
		return "", doc.ErrorAt(doc.Start(), "kind", "the kinds are Application and Local", "is missing")
	case !slices.Contains(kinds, value.Value):
		return "", doc.ErrorAt(strictyaml.At(value), "kind", strictyaml.Suggest(value.Value, kinds, "the kinds are Application and Local"),
			"unknown kind %s", strictyaml.Quote(value.Value))
	}
	return value.Value, nil
}

func (p *fileParser) localDocument(doc *strictyaml.Document) {
	if p.local != nil {
		p.errs = append(p.errs, doc.ErrorAt(doc.Start(), "kind", "leave one",
			"there is a second document of kind Local; the first one is at line %d", p.local.Start().Line))
		return
	}
	p.local = doc
	var local localDocument
	errs := doc.Decode(&local)
	local.Spec.source = doc
	p.file.Local = &local.Spec
	p.errs = append(p.errs, withMeaning(errs, local.Spec.check())...)
}

// mayBeSecret says whether the value of a field may be a secret, which is then not shown.
func mayBeSecret(path string) bool {
	return strictyaml.Within(path, "spec.env") || strictyaml.Within(path, "spec.workers.metrics.endpoint")
}

// withMeaning adds to the mistakes of form those of meaning, except where a value is wrong in form already.
func withMeaning(form, meaning Errors) Errors {
	touches := func(m *Error) bool {
		return slices.ContainsFunc(form, func(f *Error) bool { return strictyaml.Within(m.Path, f.Path) || strictyaml.Within(f.Path, m.Path) })
	}
	return append(form, slices.DeleteFunc(meaning, touches)...)
}

// Where returns "file:line:column" of the field at path (as spec.workers.count), of its closest parent if it was left
// out, or "" if the application did not come from a file.
func (a *Application) Where(path string) string { return a.source.Where(path) }

// Errorf returns a mistake of the field at path that a later stage found, with its place in the file.
func (a *Application) Errorf(path, hint, format string, args ...any) error {
	return Errors{a.source.Errorf(path, hint, format, args...)}
}

// fileDir returns the folder that relative paths of the application start at: its file's, or "" if it has none.
func (a *Application) fileDir() string {
	if a.source == nil {
		return ""
	}
	return filepath.Dir(a.source.File())
}

// ParseDocument reads one document of kind Application that somebody else has found in a file; one of another kind gives nil, without
// mistakes if it is of kind Local.
func ParseDocument(doc *strictyaml.Document) (*Application, Errors) {
	p := &fileParser{file: &File{Name: doc.File()}}
	p.document(doc)
	if len(p.errs) > 0 {
		return nil, p.errs.Sorted()
	}
	if len(p.file.Applications) == 0 {
		return nil, nil
	}
	return p.file.Applications[0], nil
}
