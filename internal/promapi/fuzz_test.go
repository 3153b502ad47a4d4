package promapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/promapi"
)

// answers is a transport that answers everything with the same body.
type answers string

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// FuzzAnswer holds that any bytes are either an answer within the limits or an error of a kind, whatever was asked.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		vector(`[{"metric":{"a":"b"},"value":[1.5,"NaN"]}]`),
		success(`{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"1"],[2,"+Inf"]]}]}`),
		success(`[{"__name__":"up","pod":"x"},{}]`),
		one, `{"status":"error","errorType":"bad_data","error":"x"}`, `{"status":"success","warnings":["x"],"data":null}`, "", "<html>",
		vector(`[{"metric":{"a":"\ud800"},"value":[1e-400,"0x1p-2"]}]`), `{"data":{"result":[1,"1"]},"status":"success"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		client, err := promapi.New(promapi.Options{URL: "http://x", Transport: answers(body), MaxSeries: 10, MaxPoints: 10})
		if err != nil {
			t.Fatal(err)
		}
		check := func(n int, err error) {
			if err != nil && promapi.KindOf(err) == "" || n > 10 {
				t.Errorf("%d of %v", n, err)
			}
		}
		samples, err := client.Query(t.Context(), "x", time.Time{})
		check(len(samples), err)
		series, err := client.QueryRange(t.Context(), "x", time.Unix(0, 0), time.Unix(9, 0), time.Second)
		check(len(series), err)
		n := 0
		err = client.Series(t.Context(), nil, time.Time{}, time.Time{}, func(labels.Labels) error { n++; return nil })
		check(n, err)
	})
}
