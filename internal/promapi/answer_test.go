package promapi_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

// ask returns a client of a server that the handler is.
func ask(t *testing.T, handler http.HandlerFunc, o promapi.Options) *promapi.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o.URL = server.URL
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute // a busy machine takes its time for a large answer
	}
	client, err := promapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// says answers everything with a status and a body.
func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func success(data string) string { return `{"status":"success","data":` + data + `}` }

func vector(result string) string { return success(`{"resultType":"vector","result":` + result + `}`) }

func TestQueryReadsEveryKindOfAnswer(t *testing.T) {
	at := time.UnixMilli(1435781451781)
	up := labels.FromStrings("__name__", "up", "job", "x")
	for name, test := range map[string]struct {
		body string
		want []promapi.Sample
	}{
		"a vector": {vector(`[{"metric":{"job":"x","__name__":"up"},"value":[1435781451.781,"1.5"]}]`),
			[]promapi.Sample{{Labels: up, Time: at, Value: 1.5}}},
		"an empty vector": {vector(`[]`), nil},
		"a scalar": {success(`{"resultType":"scalar","result":[1435781451.781,"2"]}`),
			[]promapi.Sample{{Time: at, Value: 2}}},
		"no labels": {vector(`[{"metric":{},"value":[1435781451.781,"0"]}]`), []promapi.Sample{{Time: at}}},
		"values that are no numbers": {vector(`[{"metric":{"a":"1"},"value":[1,"NaN"]},{"metric":{"a":"2"},"value":[1,"+Inf"]},{"metric":{"a":"3"},"value":[1,"-Inf"]}]`),
			[]promapi.Sample{
				{Labels: labels.FromStrings("a", "1"), Time: time.Unix(1, 0), Value: math.NaN()},
				{Labels: labels.FromStrings("a", "2"), Time: time.Unix(1, 0), Value: math.Inf(1)},
				{Labels: labels.FromStrings("a", "3"), Time: time.Unix(1, 0), Value: math.Inf(-1)},
			}},
		"escapes": {vector(`[{"metric":{"a":"\u00e9 \"\n\ud83d\ude00"},"value":[1,"\u0031"]}]`),
			[]promapi.Sample{{Labels: labels.FromStrings("a", "é \"\n😀"), Time: time.Unix(1, 0), Value: 1}}},
		"an empty label is none": {vector(`[{"metric":{"a":"","b":"x"},"value":[1,"1"]}]`),
			[]promapi.Sample{{Labels: labels.FromStrings("b", "x"), Time: time.Unix(1, 0), Value: 1}}},
		"fields in another order, and unknown ones": {
			`{"stats":{"a":[1,{"b":null}]},"data":{"stats":{},"result":[{"group":7,"value":[1e0,"1"],"metric":{}}],"resultType":"vector"},"isPartial":false,"status":"success"}`,
			[]promapi.Sample{{Time: time.Unix(1, 0), Value: 1}}},
		"empty lists of remarks, and none": {`{"status":"success","data":{"resultType":"vector","result":[]},"warnings":[],"infos":null}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := ask(t, says(200, "application/json", test.body), promapi.Options{})
			got, err := client.Query(t.Context(), "up", at)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.Comparer(labels.Equal), sameNumber); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var sameNumber = cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })

func TestAnAnswerThatCannotBeRightIsAnError(t *testing.T) {
	const page = "<!doctype html><title>Log in</title>"
	for name, test := range map[string]struct {
		status      int
		contentType string
		body        string
		kind        promapi.Kind
		says        string
	}{
		"nothing":                  {200, "application/json", "", promapi.NotUnderstood, "ended its answer in the middle, after 0 bytes"},
		"cut off in the data":      {200, "application/json", vector(`[{"metric":{"a":"b"},"value":[1,"1"]}]`)[:70], promapi.NotUnderstood, "ended its answer in the middle"},
		"cut off before the end":   {200, "application/json", strings.TrimSuffix(vector(`[]`), "}"), promapi.NotUnderstood, "ended its answer in the middle"},
		"two documents":            {200, "application/json", vector(`[]`) + vector(`[]`), promapi.NotUnderstood, "more than one JSON document"},
		"rubbish after it":         {200, "application/json", vector(`[]`) + "x", promapi.NotUnderstood, "broken after"},
		"a page":                   {200, "text/html; charset=utf-8", page, promapi.NotUnderstood, "text/html instead of JSON"},
		"a page called JSON":       {200, "application/json", page, promapi.NotUnderstood, "not JSON"},
		"no data":                  {200, "application/json", `{"status":"success"}`, promapi.NotUnderstood, "without data"},
		"null data":                {200, "application/json", `{"status":"success","data":null}`, promapi.NotUnderstood, "without data"},
		"null result":              {200, "application/json", success(`{"resultType":"vector","result":null}`), promapi.NotUnderstood, "no list at /data/result"},
		"no result":                {200, "application/json", success(`{"resultType":"vector"}`), promapi.NotUnderstood, "without a result"},
		"another kind of JSON":     {200, "application/json", `{"message":"hello"}`, promapi.NotUnderstood, "no answer of a Prometheus API"},
		"a list":                   {200, "application/json", `[]`, promapi.NotUnderstood, "no object"},
		"a value that is a number": {200, "application/json", vector(`[{"metric":{},"value":[1,1]}]`), promapi.NotUnderstood, "no value"},
		"a value that is a word":   {200, "application/json", vector(`[{"metric":{},"value":[1,"none"]}]`), promapi.NotUnderstood, `no number: "none"`},
		"three in a value":         {200, "application/json", vector(`[{"metric":{},"value":[1,"1",2]}]`), promapi.NotUnderstood, "no end of the list"},
		"a time that is a text":    {200, "application/json", vector(`[{"metric":{},"value":["1","1"]}]`), promapi.NotUnderstood, "no time"},
		"an enormous time":         {200, "application/json", vector(`[{"metric":{},"value":[1e300,"1"]}]`), promapi.NotUnderstood, "a time that is none"},
		"a label that is a number": {200, "application/json", vector(`[{"metric":{"a":1},"value":[1,"1"]}]`), promapi.NotUnderstood, "no text"},
		"a label twice":            {200, "application/json", vector(`[{"metric":{"a":"1","a":"2"},"value":[1,"1"]}]`), promapi.NotUnderstood, `the label "a" twice`},
		"data twice":               {200, "application/json", `{"status":"success","data":{"result":[]},"data":{"result":[]}}`, promapi.NotUnderstood, "data twice"},
		"no labels":                {200, "application/json", vector(`[{"value":[1,"1"]}]`), promapi.NotUnderstood, "metric and value"},
		"no value":                 {200, "application/json", vector(`[{"metric":{}}]`), promapi.NotUnderstood, "metric and value"},
		"text that is not UTF-8":   {200, "application/json", vector("[{\"metric\":{\"a\":\"\xff\"},\"value\":[1,\"1\"]}]"), promapi.NotUnderstood, "broken"},
		"a range":                  {200, "application/json", success(`{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]}]}`), promapi.Rejected, "ranges"},
		"a text":                   {200, "application/json", success(`{"resultType":"string","result":[1,"1"]}`), promapi.Rejected, "a text"},
		"a native histogram":       {200, "application/json", vector(`[{"metric":{"a":"b"},"histogram":[1,{"count":"1"}]}]`), promapi.Rejected, `native histograms, not with numbers: {a="b"}`},
		"partial by its own word":  {200, "application/json", `{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}`, promapi.Partial, "partial"},
		"a store away":             {200, "application/json", `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["No StoreAPIs matched"]}`, promapi.Partial, "No StoreAPIs matched"},
		"a wrong query":            {400, "application/json", `{"status":"error","errorType":"bad_data","error":"parse error: unexpected"}`, promapi.Rejected, "refused the query: parse error: unexpected"},
		"a query that is too dear": {422, "application/json", `{"status":"error","errorType":"execution","error":"too many samples"}`, promapi.Rejected, "refused the query: too many samples"},
		"the server's time-out":    {503, "application/json", `{"status":"error","errorType":"timeout","error":"query timed out"}`, promapi.TimedOut, "query timed out"},
		"a gateway's time-out":     {504, "text/html", page, promapi.TimedOut, "504"},
		"a server in trouble":      {500, "application/json", `{"status":"error","errorType":"internal","error":"disk\non fire"}`, promapi.Unavailable, "disk on fire"},
		"a server that starts":     {503, "text/plain; charset=utf-8", "Service Unavailable", promapi.Unavailable, "answered 503 Service Unavailable: Service Unavailable"},
		"a gateway":                {502, "text/html", page, promapi.Unavailable, "answered 502 Bad Gateway"},
		"too many questions":       {429, "application/json", `{"message":"slow down"}`, promapi.Unavailable, "429"},
		"credentials":              {401, "text/plain", "no org id", promapi.Denied, "401 Unauthorized: no org id"},
		"rights":                   {403, "text/html", page, promapi.Denied, "403"},
		"another address":          {404, "text/plain", "404 page not found", promapi.NotUnderstood, "404"},
		"an error called success":  {200, "application/json", `{"status":"error","errorType":"bad_data","error":"x"}`, promapi.Rejected, "refused the query: x"},
		"no content":               {204, "", "", promapi.NotUnderstood, "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			client := ask(t, says(test.status, test.contentType, test.body), promapi.Options{})
			got, err := client.Query(t.Context(), "up", time.Time{})
			if err == nil || got != nil {
				t.Fatalf("no error, but %v", got)
			}
			if promapi.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %s: %v, want %s: …%s…", promapi.KindOf(err), err, test.kind, test.says)
			}
			for _, word := range []string{"jsontext", "Go ", "struct", "\n", "<"} {
				if strings.Contains(err.Error()+hint.Of(err), word) {
					t.Errorf("an operator reads %q in: %v", word, err)
				}
			}
		})
	}
}

func TestRemarksAreToldAndDoNotChangeTheAnswer(t *testing.T) {
	body := `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]},"warnings":["PromQL warning: quantile"],"infos":["PromQL info: no counter"]}`
	var told []string
	client := ask(t, says(200, "application/json", body), promapi.Options{Warn: func(text string) { told = append(told, text) }})
	got, err := client.Query(t.Context(), "up", time.Time{})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff([]string{"PromQL warning: quantile", "PromQL info: no counter"}, told); diff != "" {
		t.Error(diff)
	}
}

func TestAPartialAnswerIsAllowedOnlyWhereAsked(t *testing.T) {
	body := `{"status":"success","isPartial":true,"data":{"resultType":"scalar","result":[1,"1"]}}`
	var told []string
	client := ask(t, says(200, "application/json", body), promapi.Options{AllowPartial: true, Warn: func(text string) { told = append(told, text) }})
	if got, err := client.Query(t.Context(), "up", time.Time{}); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if len(told) != 1 {
		t.Error("nothing was told of the missing part:", told)
	}
}

func TestSeriesAreYieldedOneByOne(t *testing.T) {
	client := ask(t, says(200, "application/json", success(`[{"__name__":"a"},{"__name__":"b","pod":"x"}]`)), promapi.Options{})
	var got []string
	err := client.Series(t.Context(), []string{`{pod!=""}`}, time.Time{}, time.Time{}, func(l labels.Labels) error {
		got = append(got, l.String())
		return nil
	})
	if diff := cmp.Diff([]string{`{__name__="a"}`, `{__name__="b", pod="x"}`}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	enough := fmt.Errorf("enough")
	err = client.Series(t.Context(), nil, time.Time{}, time.Time{}, func(labels.Labels) error { return enough })
	if err != enough {
		t.Errorf("got %v instead of the caller's own error", err)
	}
}
