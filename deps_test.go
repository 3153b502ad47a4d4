package truecount_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	rootModule       = "github.com/truecount/truecount/"
	instrumentModule = rootModule + "instrument"
)

// flow has one line per package, in the order in which data and imports flow: domain, stages, wiring, commands.
// A package may import the packages of this project that its line names, and no others.
//
// Stages do I/O and don't know one another; domain packages are pure; internal/app alone plugs them together.
var flow = []struct {
	pkg     string
	imports string
}{
	// What a service imports: a module of its own, nothing of the platform.
	{"instrument", ""},
	{"instrument/worker", "instrument instrument/internal/admission"},
	{"instrument/accesslog", "instrument"},
	{"instrument/cache", "instrument"},
	{"instrument/database", "instrument"},
	{"instrument/endpoint", "instrument instrument/internal/admission"},
	{"instrument/internal/admission", ""},
	{"instrument/jsonlog", ""},
	{"instrument/migrations", "instrument"},
	{"instrument/model", "instrument"},
	{"instrument/dynamic", "instrument"},
	{"instrument/instrumenttest", ""},

	// One module each, so that nobody inherits the versions of a library that they don't use.
	{"instrument/contrib/gormmetrics", "instrument instrument/model"},
	{"instrument/contrib/pgxmetrics", "instrument/database"},
	{"instrument/contrib/goredismetrics", "instrument/cache"},
	{"instrument/contrib/goosemetrics", "instrument/migrations"},
	{"instrument/contrib/webconfig", "instrument"},
	{"instrument/contrib/oteltrace", "instrument"},
	{"instrument/contrib/routers", ""},

	// The demo applications use only the library, as a user would.
	{"demo/prefork", ""},
	{"demo/traffic", ""},
	{"demo/service", "demo/prefork"},
	{"demo/database", "demo/service"},
	{"demo/database/databasetest", "demo/database"},
	{"demo/clicks", "demo/service instrument instrument/worker"},
	{"demo/dogwalk/store", "demo/database instrument instrument/database instrument/migrations " +
		"instrument/contrib/goosemetrics instrument/contrib/gormmetrics"},
	{"demo/dogwalk", "demo/database demo/dogwalk/store demo/service instrument instrument/accesslog instrument/jsonlog instrument/worker " +
		"instrument/contrib/webconfig"},
	{"demo/latency", "demo/service instrument instrument/worker"},
	{"demo/servicewindow/window", ""},
	{"demo/servicewindow/store", "demo/database demo/servicewindow/window"},
	{"demo/servicewindow", "demo/database demo/service demo/servicewindow/store demo/servicewindow/window instrument instrument/dynamic instrument/worker"},
	{"demo/clicks/cmd/clicks", "demo/clicks"},
	{"demo/dogwalk/cmd/dogwalk", "demo/dogwalk"},
	{"demo/latency/cmd/latency", "demo/latency"},
	{"demo/servicewindow/cmd/servicewindow", "demo/servicewindow"},
	{"demo", ""},

	// Domain.
	{"internal/hint", ""},
	{"internal/strictyaml", ""},
	{"internal/expression", ""},
	{"internal/application", "internal/expression internal/hint internal/strictyaml"},
	{"internal/scale/hpa", "internal/hint"},
	{"internal/scale/signal", "internal/hint internal/scale/hpa"},
	{"internal/promapi", "internal/hint"},
	{"internal/scale/replay", "internal/hint internal/promapi internal/scale/hpa internal/scale/signal"},
	{"internal/scale/replay/history", "internal/hint internal/promapi"},
	{"internal/scale/hpamanifest", "internal/strictyaml"},
	{"internal/scale/migrate", "internal/hint internal/scale/hpamanifest internal/scale/metricrule internal/strictyaml"},
	{"internal/scale/metricrule", "internal/application internal/expression internal/hint internal/strictyaml"},
	{"internal/scale/replay/page", "internal/scale/replay"},

	// Stages.
	{"internal/merge/exact", ""},
	{"internal/merge/reading", "internal/hint"},
	{"internal/merge/state", "internal/hint"},
	{"internal/merge/state/wire", ""},
	{"internal/merge/exposition", "internal/merge/reading"},
	{"internal/merge/telemetry", ""},
	{"internal/merge", "internal/hint internal/merge/exact internal/merge/exposition internal/merge/reading internal/merge/state internal/merge/state/wire " +
		"internal/merge/telemetry"},
	{"internal/merge/endpoints", "internal/hint internal/merge"},
	{"internal/merge/pydir", "internal/hint internal/merge internal/merge/exact internal/merge/exposition internal/merge/reading " +
		"internal/merge/state internal/merge/state/wire internal/merge/telemetry"},
	{"internal/merge/pydir/pydirtest", ""},
	{"internal/merge/cli", "internal/hint internal/merge internal/merge/endpoints"},
	{"internal/supervise", "internal/hint"},
	{"internal/server", "internal/hint"},
	{"internal/scale/controller", "internal/hint internal/scale/hpa internal/scale/signal"},
	{"internal/scale/metricsapi", "internal/hint internal/promapi internal/scale/metricrule"},
	{"internal/web", "internal/hint"},

	// Wiring: the only package that knows every stage.
	{"internal/app", "demo/traffic internal/hint internal/application internal/scale/hpa internal/merge internal/merge/endpoints " +
		"internal/merge/pydir internal/supervise internal/server internal/scale/controller internal/web"},

	// Commands.
	{"cmd/truecount-sidecar", "internal/hint internal/merge internal/merge/cli internal/merge/pydir internal/merge/reading internal/merge/state " +
		"instrument/contrib/webconfig instrument/endpoint"},
	{"cmd/truecount-adapter", "internal/hint internal/promapi internal/scale/metricrule internal/scale/metricsapi internal/scale/migrate"},
	{"cmd/truecount", "demo demo/clicks demo/dogwalk demo/latency demo/servicewindow demo/traffic internal/hint internal/application internal/app " +
		"internal/merge internal/merge/cli internal/merge/exposition internal/merge/pydir " +
		"internal/promapi internal/scale/hpa internal/scale/hpamanifest internal/scale/metricrule internal/scale/signal " +
		"internal/scale/replay internal/scale/replay/history internal/scale/replay/page"},
}

// unwanted lists, per package, the modules that nothing it leads to may import. The library stays light for the
// services that import it; the merge and the domain will be linked by small binaries beside every pod.
var unwanted = map[string][]string{
	"instrument":        {"github.com/prometheus/prometheus", "k8s.io"},
	"instrument/worker": {"github.com/prometheus/prometheus", "k8s.io"},
	"cmd/truecount-adapter": {
		"github.com/prometheus/alertmanager", "github.com/prometheus/prometheus/scrape", "github.com/prometheus/prometheus/tsdb",
		"github.com/prometheus/prometheus/web", "github.com/prometheus/prometheus/discovery",
	},
	"cmd/truecount-sidecar": {
		"k8s.io", "github.com/prometheus/alertmanager",
		"github.com/prometheus/prometheus/scrape", "github.com/prometheus/prometheus/tsdb", "github.com/prometheus/prometheus/promql",
		"github.com/prometheus/prometheus/web", "github.com/prometheus/prometheus/storage", "github.com/prometheus/prometheus/discovery",
	},
	"internal/merge": {
		"k8s.io",
		"github.com/prometheus/prometheus/scrape", "github.com/prometheus/prometheus/tsdb", "github.com/prometheus/prometheus/promql",
		"github.com/prometheus/prometheus/web", "github.com/prometheus/prometheus/storage", "github.com/prometheus/prometheus/discovery",
	},
	"internal/promapi": {
		"k8s.io", "github.com/prometheus/prometheus/scrape", "github.com/prometheus/prometheus/tsdb", "github.com/prometheus/prometheus/promql",
		"github.com/prometheus/prometheus/web", "github.com/prometheus/prometheus/storage", "github.com/prometheus/prometheus/discovery",
	},
	"internal/scale/hpa":         {"github.com/prometheus/prometheus", "k8s.io/client-go"},
	"internal/strictyaml":        {"github.com/prometheus", "k8s.io"},
	"internal/scale/hpamanifest": {"k8s.io/client-go", "github.com/prometheus"},
	"internal/scale/metricrule": {
		"k8s.io/client-go", "github.com/prometheus/prometheus/tsdb", "github.com/prometheus/prometheus/scrape",
		"github.com/prometheus/prometheus/web", "github.com/prometheus/prometheus/discovery",
	},
	"internal/application": {"k8s.io/client-go", "github.com/prometheus/prometheus/tsdb", "github.com/prometheus/prometheus/scrape"},
	"demo/clicks":          {"github.com/prometheus/prometheus", "k8s.io"},
	"demo/dogwalk":         {"github.com/prometheus/prometheus", "k8s.io"},
	"demo/latency":         {"github.com/prometheus/prometheus", "k8s.io"},
	"demo/servicewindow":   {"github.com/prometheus/prometheus", "k8s.io"},
}

// imports reads what each package's files import, tests left out. It parses in this process: a test that asks
// the go command is cached and stays green when an import changes.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			name := entry.Name()
			if file != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bench" || name == "test" || name == "data") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(file))
		if _, known := found[pkg]; !known {
			found[pkg] = nil
		}
		for _, spec := range parsed.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if !slices.Contains(found[pkg], imported) {
				found[pkg] = append(found[pkg], imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestImportsFlowOneWay(t *testing.T) {
	found := imports(t)
	known := map[string]bool{}
	for _, line := range flow {
		known[line.pkg] = true
		allowed := strings.Fields(line.imports)
		for _, imported := range found[line.pkg] {
			ours, isOurs := strings.CutPrefix(imported, rootModule)
			if isOurs && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which its line in flow does not allow", line.pkg, ours)
			}
		}
		for _, name := range allowed {
			if _, exists := found[name]; !exists {
				t.Errorf("the line of %s names %s, which does not exist", line.pkg, name)
			}
		}
		if _, exists := found[line.pkg]; !exists {
			t.Errorf("flow has a line for %s, which does not exist", line.pkg)
		}
	}
	for pkg := range found {
		if pkg != "." && !known[pkg] {
			t.Errorf("%s has no line in flow", pkg)
		}
	}
}

func TestPackagesStayFreeOfHeavyDependencies(t *testing.T) {
	found := imports(t)
	for pkg, modules := range unwanted {
		for _, chain := range chains(found, pkg) {
			for _, module := range modules {
				last := chain[len(chain)-1]
				if last == module || strings.HasPrefix(last, module+"/") {
					t.Errorf("%s leads to %s: %s", pkg, module, strings.Join(chain, " → "))
				}
			}
		}
	}
}

// chains lists every import outside this project that pkg leads to, each with the way to it.
func chains(found map[string][]string, pkg string) [][]string {
	var all [][]string
	seen := map[string]bool{}
	var walk func(pkg string, way []string)
	walk = func(pkg string, way []string) {
		if seen[pkg] {
			return
		}
		seen[pkg] = true
		way = append(slices.Clone(way), pkg)
		for _, imported := range found[pkg] {
			if ours, isOurs := strings.CutPrefix(imported, rootModule); isOurs {
				walk(ours, way)
				continue
			}
			all = append(all, append(slices.Clone(way), imported))
		}
	}
	walk(pkg, nil)
	return all
}

// TestOnlyTheAdapterLinksAnAPIServer keeps some 35 MB out of every other program.
func TestOnlyTheAdapterLinksAnAPIServer(t *testing.T) {
	for pkg, list := range imports(t) {
		if pkg == "cmd/truecount-adapter" || pkg == "internal/scale/metricsapi" {
			continue
		}
		for _, imported := range list {
			for _, module := range []string{"k8s.io/apiserver", "sigs.k8s.io/custom-metrics-apiserver"} {
				if imported == module || strings.HasPrefix(imported, module+"/") {
					t.Errorf("%s imports %s", pkg, imported)
				}
			}
		}
	}
}

func TestEveryPackageOpensWithItsPurpose(t *testing.T) {
	for pkg := range imports(t) {
		if !hasPackageComment(t, pkg) {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func hasPackageComment(t *testing.T, pkg string) bool {
	t.Helper()
	files, err := filepath.Glob(path.Join(pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", file, err))
		}
		if parsed.Doc != nil {
			return true
		}
	}
	return false
}
