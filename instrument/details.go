package instrument

import "net/http"

// details are what few requests have, or few services ask for; a recorder without them stays small.
type details struct {
	request  *http.Request // the request as the router saw it, see Routed
	route    string        // as SetRoute was told it
	template string        // as SetTemplate was told it
	// contentType is the one that is sent, as it was when the answer began; "" if it can't be known.
	contentType string
	sniffable   bool // net/http will guess the type by the first bytes
}

// detail returns the recorder's details, to be written to.
func (r *recorder) detail() *details {
	if r.details == nil {
		r.details = fresh[details](&detailed)
	}
	return r.details
}

// sniffed is how many bytes net/http looks at to guess a type.
const sniffed = 512

// begin reads the header when the handler sends it: later it may be somebody else's.
func (d *details) begin(header http.Header) {
	values, set := header["Content-Type"]
	if len(values) > 0 {
		d.contentType = values[0]
		return
	}
	// As net/http decides it. A header that is set to nothing is how handlers refuse a guess.
	d.sniffable = !set && len(header["Content-Encoding"]) == 0 && len(header["Transfer-Encoding"]) == 0
}

// write is told the first bytes, if net/http looks at them.
func (d *details) write(b []byte) {
	if len(b) > 0 {
		d.contentType = http.DetectContentType(b)
		d.sniffable = false
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
		if found = true; rec.extended {
			rec.detail().template = name
		}
	}
	return found
}
