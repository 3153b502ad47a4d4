package truecount_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// contrib names what each integration may import beside the library, client_golang and the standard library.
var contrib = map[string][]string{
	"goosemetrics":   {"github.com/pressly/goose/v3"},
	"goredismetrics": {"github.com/redis/go-redis/v9"},
	"gormmetrics":    {"gorm.io/gorm"},
	"oteltrace":      {"go.opentelemetry.io/otel/trace"},
	"pgxmetrics":     {"github.com/jackc/pgx/v5"},
	"routers":        {}, // examples only
	"webconfig":      {"github.com/prometheus/exporter-toolkit", "go.yaml.in/yaml/v2"},
}

func TestTheLibraryImportsClientGolangAndNothingElse(t *testing.T) {
	for pkg, list := range imports(t) {
		if pkg != "instrument" && !strings.HasPrefix(pkg, "instrument/") {
			continue
		}
		allowed := []string{
			"github.com/prometheus/client_golang",
			"github.com/prometheus/client_model", // client_golang's own data model
			instrumentModule,
		}
		if integration, isContrib := strings.CutPrefix(pkg, "instrument/contrib/"); isContrib {
			integration, _, _ = strings.Cut(integration, "/")
			allowed = append(allowed, contrib[integration]...)
		}
		for _, imported := range list {
			first, _, _ := strings.Cut(imported, "/")
			isStandard := !strings.Contains(first, ".")
			if !isStandard && !slices.ContainsFunc(allowed, func(module string) bool { return imported == module || strings.HasPrefix(imported, module+"/") }) {
				t.Errorf("%s imports %s", pkg, imported)
			}
		}
	}
}

func TestEveryIntegrationIsAModuleOfItsOwn(t *testing.T) {
	workspace, err := os.ReadFile("go.work")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir("instrument/contrib")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		dir := path.Join("instrument/contrib", folder.Name())
		module, err := os.ReadFile(path.Join(dir, "go.mod"))
		if err != nil {
			t.Errorf("%s is no module: %v", dir, err)
			continue
		}
		if !strings.HasPrefix(string(module), "module "+rootModule+dir+"\n") {
			t.Errorf("%s/go.mod does not name it", dir)
		}
		if !strings.Contains(string(workspace), "\t./"+dir+"\n") {
			t.Errorf("go.work lacks ./%s", dir)
		}
		if _, known := contrib[folder.Name()]; !known {
			t.Errorf("%s has no line in contrib", dir)
		}
	}
	if len(folders) != len(contrib) {
		t.Errorf("contrib has %d lines for %d folders", len(contrib), len(folders))
	}
}

// TestTheLibraryRunsOnTheOldestSupportedGo holds the go lines to one version. The Go project supports its last two
// releases (https://go.dev/doc/devel/release#policy); in November 2026 the older of them is 1.26.
func TestTheLibraryRunsOnTheOldestSupportedGo(t *testing.T) {
	modules, err := filepath.Glob("instrument/contrib/*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(modules, "instrument/go.mod") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\ngo 1.26.0\n") {
			t.Errorf("%s: its go line is not 1.26.0", file)
		}
	}
}

func TestTheLibraryRequiresClientGolangOnly(t *testing.T) {
	text, err := os.ReadFile("instrument/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		required, oneLine := strings.CutPrefix(line, "require ")
		if !oneLine {
			required, _ = strings.CutPrefix(line, "\t")
		}
		fields := strings.Fields(required)
		if len(fields) < 2 || required == line || strings.Contains(line, "// indirect") {
			continue
		}
		switch fields[0] {
		case "github.com/prometheus/client_golang", "github.com/prometheus/client_model": // the second is the first one's data model
		case "go.uber.org/goleak": // of the tests
		default:
			t.Errorf("instrument/go.mod requires %s", fields[0])
		}
	}
}

func TestEveryPublicPackageOpensWithARunnableExample(t *testing.T) {
	for pkg := range imports(t) {
		if (pkg != "instrument" && !strings.HasPrefix(pkg, "instrument/")) || strings.Contains(pkg, "/internal") {
			continue
		}
		if !hasExample(t, pkg) {
			t.Errorf("%s has no func Example with an // Output: comment", pkg)
		}
	}
}

func hasExample(t *testing.T, pkg string) bool {
	t.Helper()
	files, err := fs.Glob(os.DirFS(pkg), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), path.Join(pkg, file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, isFunc := d.(*ast.FuncDecl)
			if !isFunc || (f.Name.Name != "Example" && !strings.HasPrefix(f.Name.Name, "Example_")) {
				continue
			}
			for _, comment := range parsed.Comments {
				if comment.Pos() > f.Pos() && comment.End() < f.End() && strings.HasPrefix(strings.ToLower(comment.Text()), "output:") {
					return true
				}
			}
		}
	}
	return false
}
