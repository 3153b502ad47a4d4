package endpoint_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	// All of the core, for what they might register on net/http's mux.
	_ "github.com/truecount/truecount/instrument"
	_ "github.com/truecount/truecount/instrument/accesslog"
	_ "github.com/truecount/truecount/instrument/cache"
	_ "github.com/truecount/truecount/instrument/database"
	_ "github.com/truecount/truecount/instrument/dynamic"
	"github.com/truecount/truecount/instrument/endpoint"
	_ "github.com/truecount/truecount/instrument/instrumenttest"
	_ "github.com/truecount/truecount/instrument/jsonlog"
	_ "github.com/truecount/truecount/instrument/migrations"
	_ "github.com/truecount/truecount/instrument/model"
	_ "github.com/truecount/truecount/instrument/worker"
)

// debugPaths are those that net/http/pprof and expvar register on net/http's own mux when they are imported, as the
// client_golang of this library does with expvar.
var debugPaths = []string{
	"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1", "/debug/pprof/cmdline", "/debug/pprof/trace",
	"/debug/vars", "/debug/",
}

func TestL6NoListenerServesProfilesOrVariables(t *testing.T) {
	for _, f := range fronts(t) {
		for _, path := range debugPaths {
			response, body := ask(t, "GET", "http://"+f.addr+path)
			if response.StatusCode != http.StatusNotFound || strings.Contains(body, "cmdline") {
				t.Errorf("%s serves %s: %s", f.name, path, response.Status)
			}
		}
	}
}

// TestL6AListenerWithoutAHandlerIsRefused: net/http would serve its own mux instead.
func TestL6AListenerWithoutAHandlerIsRefused(t *testing.T) {
	if err := endpoint.Run(t.Context(), endpoint.Options{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("an endpoint without a handler runs")
	}
}

// TestL6NoPackageOfTheLibraryRegistersOnNetHTTPsMux reads the sources of the core and of contrib, since a mux can't
// be asked for what it has; and asks the mux of this program for what is known to be dangerous.
func TestL6NoPackageOfTheLibraryRegistersOnNetHTTPsMux(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		netHTTP := ""
		for _, spec := range parsed.Imports {
			switch name, _ := strconv.Unquote(spec.Path.Value); name {
			case "net/http/pprof", "expvar":
				t.Errorf("%s imports %s, which registers on net/http's mux", path, name)
			case "net/http":
				netHTTP = "http"
				if spec.Name != nil {
					netHTTP = spec.Name.Name
				}
			}
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && netHTTP != "" && x.Name == netHTTP {
				switch selector.Sel.Name {
				case "Handle", "HandleFunc", "DefaultServeMux", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS":
					t.Errorf("%s uses http.%s, which is about net/http's mux", path, selector.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files < 30 {
		t.Errorf("%d files were read: %v", files, err)
	}
	// /debug/vars is there, by the expvar that client_golang imports; that no listener serves it is the test above.
	for _, path := range debugPaths[:len(debugPaths)-2] {
		r, err := http.NewRequest("GET", "http://localhost"+path, bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, pattern := http.DefaultServeMux.Handler(r); pattern != "" {
			t.Errorf("%s is registered as %q", path, pattern)
		}
	}
}
