package instrument

import "net/http"

// answer is what the extended metrics must know of a response, beyond what a recorder knows.
type answer struct {
	template string // as SetTemplate was told it
	// contentType is the one that is sent, as it was when the answer began; "" if it can't be known.
	contentType string
	sniffable   bool // net/http will guess the type by the first bytes
}

// sniffed is how many bytes net/http looks at to guess a type.
const sniffed = 512

// begin reads the header when the handler sends it: later it may be somebody else's.
func (a *answer) begin(header http.Header) {
	values, set := header["Content-Type"]
	if len(values) > 0 {
		a.contentType = values[0]
		return
	}
	// As net/http decides it. A header that is set to nothing is how handlers refuse a guess.
	a.sniffable = !set && len(header["Content-Encoding"]) == 0 && len(header["Transfer-Encoding"]) == 0
}

// write is told the first bytes, if net/http looks at them.
func (a *answer) write(b []byte) {
	if len(b) > 0 {
		a.contentType = http.DetectContentType(b)
		a.sniffable = false
	}
}

// SetTemplate names the template that a response is rendered from: "walks/start.html". The request is then counted in
// http_responses_by_template_total, if Options.Extended is set. The last name that is set counts.
//
// Names must be few: beyond a hundred, further ones are counted as "overflow". It finds the middleware through every
// response writer in between that has an Unwrap method, as [http.ResponseController] does, and reports whether there is one.
func SetTemplate(w http.ResponseWriter, name string) bool {
	found := false
	for rec := recorderOf(w); rec != nil; rec = recorderOf(rec.ResponseWriter) {
		if found = true; rec.answer != nil {
			rec.answer.template = name
		}
	}
	return found
}
