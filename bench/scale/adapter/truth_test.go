package main

import (
	"fmt"
	"strings"
	"testing"
)

// answerOf writes an answer with values in thousandths.
func answerOf(values map[string]string) []byte {
	var items []string
	for pod, value := range values {
		items = append(items, fmt.Sprintf(`{"describedObject":{"kind":"Pod","namespace":"large","name":%q},"value":%q}`, pod, value))
	}
	return []byte(`{"kind":"MetricValueList","items":[` + strings.Join(items, ",") + `]}`)
}

func TestCheckTakesOnlyWhatWasWritten(t *testing.T) {
	for name, test := range map[string]struct {
		body []byte
		says string // "" is a good answer
	}{
		"each pod with its own value":  {answerOf(map[string]string{"clicks-998": "999m", "clicks-999": "1", "clicks-1000": "1001m"}), ""},
		"a value of another pod":       {answerOf(map[string]string{"clicks-998": "1", "clicks-999": "1", "clicks-1000": "1001m"}), "999m was written"},
		"0 for what is not known":      {answerOf(map[string]string{"clicks-998": "0", "clicks-999": "1", "clicks-1000": "1001m"}), "999m was written"},
		"a pod less":                   {answerOf(map[string]string{"clicks-999": "1", "clicks-1000": "1001m"}), "1 of 3 pods are not in the answer"},
		"a pod that nobody asked for":  {answerOf(map[string]string{"clicks-998": "999m", "clicks-999": "1", "clicks-1000": "1001m", "clicks-1": "2m"}), "is not asked for"},
		"another namespace":            {[]byte(strings.ReplaceAll(string(answerOf(map[string]string{"clicks-998": "999m"})), "large", "small")), "small/clicks-998"},
		"a pod twice":                  {[]byte(`{"kind":"MetricValueList","items":[` + strings.Repeat(`{"describedObject":{"namespace":"large","name":"clicks-998"},"value":"999m"},`, 2) + `{}]}`), "twice"},
		"a list of another kind":       {[]byte(`{"kind":"Status"}`), `"Status"`},
		"what is no JSON":              {[]byte(`<html>`), "not understood"},
		"nothing where pods are asked": {answerOf(nil), "3 of 3 pods"},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(test.body, "large", 998, 3)
			if test.says == "" && err != nil {
				t.Error(err)
			}
			if test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("got %v, want an error with %q", err, test.says)
			}
		})
	}
}
