package promapi

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// answer reads the body of a response piece by piece.
type answer struct {
	body    *bounded
	json    *jsontext.Decoder
	options *Options
	text    []byte // of one series' labels, used again
	series  int    // so far
	points  int
}

func newAnswer(body io.Reader, o *Options) *answer {
	b := &bounded{from: body, left: o.MaxBytes, limit: o.MaxBytes}
	// Names that come twice are found where they matter; looking for them everywhere costs a third of the speed.
	return &answer{body: b, options: o, json: jsontext.NewDecoder(b, jsontext.AllowDuplicateNames(true))}
}

// ending is what an answer says beside its data.
type ending struct {
	status, errorType, text string
	warnings, infos         []string
	partial                 bool // VictoriaMetrics' isPartial
}

// envelope reads the whole answer and calls read where its data is.
func (a *answer) envelope(read func(*answer) error) (ending, error) {
	var end ending
	found := false
	err := a.object(func(field string) (err error) {
		switch field {
		case "status":
			end.status, err = a.string()
		case "errorType":
			end.errorType, err = a.string()
		case "error":
			end.text, err = a.string()
		case "warnings":
			end.warnings, err = a.remarks()
		case "infos":
			end.infos, err = a.remarks()
		case "isPartial":
			var t jsontext.Token
			t, err = a.token()
			end.partial = t.Kind() == 't'
		case "data":
			if a.json.PeekKind() == 'n' {
				return a.skip()
			}
			if found {
				return faultf(NotUnderstood, "answered with data twice")
			}
			found = true
			err = read(a)
		default:
			err = a.skip()
		}
		return err
	})
	if err != nil {
		return end, err
	}
	if _, err := a.json.ReadToken(); !errors.Is(err, io.EOF) || a.body.err != nil {
		if err == nil {
			return end, faultf(NotUnderstood, "answered with more than one JSON document")
		}
		return end, a.broken(err)
	}
	switch {
	case end.status != "success" && end.status != "error":
		return end, faultf(NotUnderstood, "answered with JSON that is no answer of a Prometheus API")
	case end.status == "success" && !found:
		return end, faultf(NotUnderstood, "answered without data")
	}
	return end, nil
}

// refusal turns an answer of status error into what callers get.
func (end *ending) refusal(status int) *fault {
	f := &fault{kind: kindOfStatus(status), status: status}
	switch end.errorType {
	case "bad_data", "execution", "422", "400":
		f.kind = Rejected
	case "timeout":
		f.kind = TimedOut
	case "internal", "unavailable", "canceled":
		f.kind = Unavailable
	default:
		if status < 400 {
			f.kind = Unavailable
		}
	}
	text := oneLine(end.text)
	switch f.kind {
	case Rejected:
		f.text = "refused the query: " + text
	case TimedOut:
		f.text = "did not answer in time: " + text
	default:
		f.text = "answered " + strings.TrimSpace(http.StatusText(status)) + ": " + text
	}
	return f.withHint()
}

// ofPromQL is how Prometheus marks remarks about a query. Others say that something could not be read: Prometheus' own
// about remote read, Thanos' about stores.
const ofPromQL = "PromQL "

// remarks passes on what a server says about a question that it answered, and makes an error of missing data.
func (end *ending) remarks(o *Options) error {
	var missing string
	if end.partial {
		missing = "the server calls its answer partial"
	}
	for _, w := range end.warnings {
		if !strings.HasPrefix(w, ofPromQL) {
			missing = w
		}
	}
	if missing != "" && !o.AllowPartial {
		return faultf(Partial, "answered without a part of its data: %s", missing)
	}
	if o.Warn == nil {
		return nil
	}
	if end.partial && len(end.warnings) == 0 {
		o.Warn(missing)
	}
	for _, text := range append(end.warnings, end.infos...) {
		o.Warn(text)
	}
	return nil
}

// maxRemarks bounds the remarks that are kept of an answer.
const maxRemarks = 10

func (a *answer) remarks() (kept []string, err error) {
	if a.json.PeekKind() == 'n' {
		return nil, a.skip()
	}
	err = a.array(func() error {
		text, err := a.string()
		if len(kept) < maxRemarks {
			kept = append(kept, oneLine(text))
		}
		return err
	})
	return kept, err
}
