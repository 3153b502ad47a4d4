package main

import (
	"testing"

	"github.com/truecount/truecount/internal/app"
)

func TestTheDemosLogWarningsOnlyUnlessTheUserWantsAnotherLevel(t *testing.T) {
	for users, want := range map[string]string{"": "warn", "debug": ""} { // what is not set is the user's own
		t.Run("LOG_LEVEL="+users, func(t *testing.T) {
			t.Setenv("LOG_LEVEL", users)
			var options app.Options
			if err := demos(t.TempDir(), 0, &options); err != nil {
				t.Fatal(err)
			}
			if len(options.Applications) != 4 {
				t.Errorf("%d applications, want 4", len(options.Applications))
			}
			for _, a := range options.Applications {
				if got, set := a.Spec.Env["LOG_LEVEL"]; got != want || set != (want != "") {
					t.Errorf("%s is given LOG_LEVEL=%q (%v), want %q", a.Metadata.Name, got, set, want)
				}
			}
		})
	}
}
