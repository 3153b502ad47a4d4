package strictyaml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/strictyaml"
)

type shop struct {
	Name  string            `yaml:"name"`
	Words map[string]string `yaml:"words"`
}

func decode(t *testing.T, text string) strictyaml.Errors {
	t.Helper()
	docs, errs := strictyaml.Parse("shop.yaml", []byte(text))
	if len(errs) > 0 || len(docs) != 1 {
		t.Fatal(errs)
	}
	return docs[0].Decode(&shop{})
}

func TestAMistakeIsShortHoweverLongItsValue(t *testing.T) {
	long := strings.Repeat("1", 100_000)
	for name, text := range map[string]string{
		"a number for a text": "name: 0." + long,
		"an unknown field":    "? \"" + long + "\"\n: a",
		"a text for fields":   "words: \"" + long + "\"",
	} {
		errs := decode(t, text)
		if len(errs) != 1 {
			t.Fatalf("%s: %v", name, errs)
		}
		if n := len(errs[0].Error() + errs[0].Hint); n > 300 {
			t.Errorf("%s takes %d bytes to tell", name, n)
		}
	}
	if errs := decode(t, "name: 17"); len(errs) != 1 || errs[0].Hint != `put it in quotes: "17"` {
		t.Errorf("got %+v", errs)
	}
}

func TestVeryManyFieldsAreNotAllRemembered(t *testing.T) {
	var many strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&many, "a%d: b, ", i)
	}
	fields := many.String()
	for name, text := range map[string]string{"known ones": "words: {" + fields + "}", "unknown ones": "{" + fields + "}"} {
		docs, _ := strictyaml.Parse("shop.yaml", []byte(text))
		var errs strictyaml.Errors
		if n := testing.AllocsPerRun(1, func() { errs = docs[0].Decode(&shop{}) }); n > 60_000 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if len(errs) != 1 || !strings.Contains(errs[0].Message, "there are more than 20000 values") {
			t.Errorf("%s: %v", name, errs[:min(len(errs), 3)])
		}
	}
}
