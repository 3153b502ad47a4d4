package instrument

import (
	"net/http"
	"strconv"
)

// labelOther stands for every method and status that is not known.
const labelOther = "other"

// method returns the label value of a request's method: itself if known, "other" if not. Methods are case-sensitive.
func (h *httpMetrics) method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return name
	}
	if known, ok := h.methods[name]; ok {
		return known
	}
	return labelOther
}

// foldStatus returns the status if it is one that HTTP has (RFC 9110: 100 to 599), and 0 if not.
func foldStatus(status int) int {
	if status < 100 || status > 599 {
		return 0
	}
	return status
}

func statusLabel(folded int) string {
	if folded == 0 {
		return labelOther
	}
	return strconv.Itoa(folded)
}
