package instrument

import (
	"net/http"
	"strconv"
)

// Label values for what is not known, and for what is beyond a limit.
const (
	labelOther    = "other"
	labelOverflow = "overflow"
)

// maxMethods bounds the values of the label method: those of HTTP, and some of Options.Methods.
const maxMethods = 100

// labelScheme has the label values that differ between the schemes of names.
type labelScheme struct{ noRoute, otherMethod string }

func (n Names) labels() labelScheme {
	if n == DjangoNames {
		return labelScheme{noRoute: "<unnamed view>", otherMethod: "<invalid method>"}
	}
	return labelScheme{noRoute: "unmatched", otherMethod: labelOther}
}

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
	return h.labels.otherMethod
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
