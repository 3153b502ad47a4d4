package pydirtest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// TestEveryGenerationIsWritten writes anew the files that three releases of the client wrote, one of each generation, and
// wants the same bytes.
func TestEveryGenerationIsWritten(t *testing.T) {
	for name, generation := range map[string]pydirtest.Generation{
		"client_python-0.14.1": pydirtest.Before016, "client_python-0.16.0": pydirtest.Since016, "client_python-0.25.0": pydirtest.Since018,
	} {
		t.Run(name, func(t *testing.T) {
			files := sample(t, filepath.Join("..", "testdata", name+".tar.gz"))
			if len(files) < 24 {
				t.Fatalf("the sample has %d files", len(files))
			}
			for base, want := range files {
				path := filepath.Join(t.TempDir(), base)
				f, err := pydirtest.OpenFile(path, generation)
				if err != nil {
					t.Fatal(err)
				}
				rewrite(t, f, generation, want)
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s is not what the client wrote", base)
				}
			}
		})
	}
}

func sample(t *testing.T, path string) map[string][]byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for entries := tar.NewReader(z); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeDir {
			if out[filepath.Base(header.Name)], err = io.ReadAll(entries); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rewrite writes the entries of a file one after the other, their keys made from what encoding/json reads in them.
func rewrite(t *testing.T, f *pydirtest.File, g pydirtest.Generation, file []byte) {
	t.Helper()
	for at, used := 8, int(binary.LittleEndian.Uint32(file)); at < used; {
		n := int(binary.LittleEndian.Uint32(file[at:]))
		var metric, name, help string
		named := map[string]string{}
		key := []any{&metric, &name, &named, &help}
		if err := json.Unmarshal(file[at+4:at+4+n], &key); err != nil {
			t.Fatal(err)
		}
		var labels []pydirtest.Label
		for name, value := range named {
			labels = append(labels, pydirtest.Label{Name: name, Value: value})
		}
		e := pydirtest.Entry{Key: pydirtest.Key(g, metric, name, help, labels...)}
		at += e.ValueOffset()
		e.Value = math.Float64frombits(binary.LittleEndian.Uint64(file[at:]))
		if at += 8; g == pydirtest.Since018 {
			e.Stamp = math.Float64frombits(binary.LittleEndian.Uint64(file[at:]))
			at += 8
		}
		if err := f.Write(e.Key, e.Value, e.Stamp); err != nil {
			t.Fatal(err)
		}
	}
}
