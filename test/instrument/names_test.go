package instrument_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// spoken is a name of the library as the pages write it: database.New, m.Handler.
var spoken = regexp.MustCompile(`(?:^|[^\w./])(\w+)\.([A-Z]\w*)`)

// TestWhatThePagesCallIsInTheLibrary holds the names that the documentation writes, package.Name and m.Method, against
// the sources.
func TestWhatThePagesCallIsInTheLibrary(t *testing.T) {
	known := exported(t, filepath.Join("..", "..", "instrument"))
	pages := []string{filepath.Join("..", "..", "instrument", "README.md")}
	for _, folder := range []string{"guides", "reference"} {
		more, err := filepath.Glob(filepath.Join("..", "..", "docs", folder, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, more...)
	}
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range spoken.FindAllStringSubmatch(string(text), -1) {
			names, ours := known[name[1]]
			if !ours {
				continue
			}
			checked++
			if !names[name[2]] {
				t.Errorf("%s: there is no %s.%s", page, name[1], name[2])
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d names were found", checked)
	}
}

// exported returns what the packages below a folder export, and the methods of Metrics as those of m.
func exported(t *testing.T, root string) map[string]map[string]bool {
	t.Helper()
	known := map[string]map[string]bool{"m": {}}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "internal" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		names := known[file.Name.Name]
		if names == nil {
			names = map[string]bool{}
			known[file.Name.Name] = names
		}
		for _, decl := range file.Decls {
			for _, name := range declared(decl) {
				names[name] = true
			}
			if f, ok := decl.(*ast.FuncDecl); ok && file.Name.Name == "instrument" && f.Recv != nil {
				known["m"][f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// declared returns the names that a declaration brings to its package.
func declared(decl ast.Decl) (names []string) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			names = append(names, decl.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}
