package accesslog

import (
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/truecount/truecount/instrument"
)

// NewCombined returns a function for Served of [instrument.Options] that writes each request as a line of the
// combined log format, which Apache, nginx and the programs that read their logs know:
//
//	127.0.0.1 - rex [20/Nov/2026:09:07:15 +0000] "GET /walks/7?page=2 HTTP/1.1" 200 512 "https://example.com/" "curl/8.5"
//
// What Options.Fields does not allow is "-"; without Request the route stands for path and query. Time always
// appears. Quotes, backslashes and unsafe characters are escaped as \x22. Lines are written whole, one Write each.
func NewCombined(w io.Writer, opts Options) func(*http.Request, instrument.Served) {
	opts = opts.withDefaults()
	var mu sync.Mutex
	return guarded(opts, func(r *http.Request, s instrument.Served, _ int) error {
		line := newEntry(&opts, r, s, opts.Now()).combined(r)
		mu.Lock()
		defer mu.Unlock()
		_, err := w.Write(line)
		return err
	})
}

func (e *entry) combined(r *http.Request) []byte {
	request := e.request
	if request == "" {
		request = e.served.Method + " " + e.served.Route + " " + r.Proto
	}
	line := make([]byte, 0, 256)
	line = append(line, orDash(word(e.host))...)
	line = append(line, " - "...)
	line = append(line, orDash(word(e.user))...)
	line = append(line, " ["...)
	line = e.begin.AppendFormat(line, "02/Jan/2006:15:04:05 -0700")
	line = append(line, `] "`...)
	line = append(line, quoted(request)...)
	line = append(line, `" `...)
	if e.served.Status == 0 {
		line = append(line, '-')
	} else {
		line = strconv.AppendInt(line, int64(e.served.Status), 10)
	}
	line = append(line, ' ')
	line = strconv.AppendInt(line, e.served.Size, 10)
	line = append(line, ` "`...)
	line = append(line, orDash(quoted(e.referer))...)
	line = append(line, `" "`...)
	line = append(line, orDash(quoted(e.agent))...)
	return append(line, "\"\n"...)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
