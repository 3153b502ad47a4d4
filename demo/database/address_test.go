package database_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/demo/database"
)

func TestParseURL(t *testing.T) {
	for name, c := range map[string]struct{ in, shown, err string }{
		"a path":                      {"data/dogwalk.db", "sqlite file data/dogwalk.db", ""},
		"an absolute path":            {"/data/dogwalk.db", "sqlite file /data/dogwalk.db", ""},
		"a path with a colon":         {"./a:b.db", "sqlite file ./a:b.db", ""},
		"sqlite with two slashes":     {"sqlite://dogwalk.db", "sqlite file dogwalk.db", ""},
		"sqlite with an absolute":     {"sqlite:///data/dogwalk.db", "sqlite file /data/dogwalk.db", ""},
		"sqlite in memory":            {"sqlite::memory:", "", "needs the path of a file"},
		"postgres":                    {"postgres://u:pw@db:5432/kennel", "postgres database kennel at db:5432", ""},
		"postgresql":                  {"postgresql://u:pw@db/kennel", "postgres database kennel at db", ""},
		"postgres by socket":          {"postgres://u:pw@/kennel?host=/run/pg", "postgres database kennel at /run/pg", ""},
		"postgres without a name":     {"postgres://u:pw@db:5432", "", "want postgres://"},
		"postgres that is not a url":  {"postgres://u:pw%zz@db/kennel", "", "want postgres://"},
		"a database we don't support": {"mysql://u:pw@db/kennel", "", `unknown database "mysql"`},
		"nothing":                     {"", "", "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := database.ParseURL(c.in)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "pw") {
					t.Fatalf("err = %v, want %q and no password", err, c.err)
				}
				return
			}
			if err != nil || got.String() != c.shown {
				t.Errorf("got %q, %v; want %q", got, err, c.shown)
			}
		})
	}
}

func FuzzParseURLNeverShowsThePassword(f *testing.F) {
	for _, s := range []string{"postgres://u:%s@h/n", "postgres://u:%s@h:x/n", "postgres://%s", "sqlite:%s", "%s://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, format string) {
		const secret = "s3cr3t"
		before, after, found := strings.Cut(format, "u:%s@")
		if !found || !strings.HasPrefix(before, "postgres://") {
			return
		}
		address, err := database.ParseURL(before + "u:" + secret + "@" + after)
		if shown := address.String() + fmt.Sprint(err); strings.Contains(shown, secret) && !strings.Contains(before+after, secret) {
			t.Errorf("shown: %s", shown)
		}
	})
}
