package servicewindow_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/truecount/truecount/demo/servicewindow"
)

func TestTheHelpListsEveryVariableThatIsRead(t *testing.T) {
	var help bytes.Buffer
	if err := servicewindow.Command(t.Context(), []string{"-h"}, func(string) string { return "" }, &help); err != nil {
		t.Fatal(err)
	}
	var read []string
	if _, err := servicewindow.OptionsFromEnv(func(name string) string { read = append(read, name); return "" }); err != nil {
		t.Fatal(err)
	}
	for _, name := range read {
		if !strings.HasPrefix(name, "TRUECOUNT_") && !strings.Contains(help.String(), name) { // those are the supervisor's
			t.Errorf("the help says nothing of %s", name)
		}
	}
	opts, err := servicewindow.OptionsFromEnv(func(name string) string { return map[string]string{"PORT": "0"}[name] })
	if err != nil || opts.Addr != "127.0.0.1:0" || opts.Database.String() != "sqlite file servicewindow.db" {
		t.Errorf("options %+v, %v", opts, err)
	}
}
