package accesslog

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// redacted takes the place of a secret.
const redacted = "[redacted]"

// secretParts and secretNames are what the names of secrets contain or are, in lower case and without dashes,
// underscores and dots.
var (
	secretParts = []string{
		"password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey", "privatekey", "authorization",
		"authcode", "bearer", "credential", "signature", "session", "sessid", "cookie", "csrf", "xsrf", "clientcert", "assertion",
		"verifier",
	}
	secretNames = []string{"auth", "xauth", "code", "jwt", "key", "otp", "pass", "pin", "pwd", "samlresponse", "sid", "sig", "ticket", "totp"}
	separators  = strings.NewReplacer("-", "", "_", "", ".", "")
)

// Secret says of a parameter or header, by its name, whether its value is one: "password", "X-Api-Key",
// "access_token", "Authorization", "Cookie", the code of OAuth and the sig of signed URLs are. It ignores case, and
// looks for well-known parts in names.
func Secret(name string) bool {
	name = separators.Replace(strings.ToLower(name))
	if slices.Contains(secretNames, name) {
		return true
	}
	return slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(name, part) })
}

// shown is the value of an allowed parameter or header.
func (o *Options) shown(name string, values []string) string {
	if o.Redact(name) {
		return redacted
	}
	if strings.EqualFold(name, "Referer") {
		return o.shownURL(values[0])
	}
	return withoutUserinfo(strings.Join(values, ", "))
}

// allowedQuery returns the allowed parameters that are there, in the order in which they are allowed.
func (o *Options) allowedQuery(given url.Values) []pair {
	var list []pair
	for _, name := range o.Query {
		if values, ok := given[name]; ok {
			list = append(list, pair{name, o.shown(name, values)})
		}
	}
	return list
}

func encoded(query []pair) string {
	var b strings.Builder
	for i, p := range query {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(url.QueryEscape(p.name))
		b.WriteByte('=')
		if p.value == redacted {
			b.WriteString(redacted)
		} else {
			b.WriteString(url.QueryEscape(p.value))
		}
	}
	return b.String()
}

// shownPath is the path as the client sent it, but for the wildcards that are secrets. Where the route has one, the
// path is made from the route, so that no other spelling of the secret gets through.
func (o *Options) shownPath(r *http.Request, route string) string {
	sent := r.URL.EscapedPath()
	if at := strings.IndexByte(r.Pattern, '/'); at >= 0 {
		if path, secret := o.filled(r.Pattern[at:], func(_ int, name string) string {
			return strings.ReplaceAll(url.PathEscape(r.PathValue(name)), "%2F", "/")
		}); secret {
			return withoutUserinfo(path)
		}
	}
	// Of a router that says no more than its route, values are known if nothing of the path was cut off or cleaned up.
	segments := strings.Split(sent, "/")
	wildcards := strings.Split(route, "/")
	if path, secret := o.filled(route, func(i int, _ string) string {
		if len(segments) == len(wildcards) {
			return segments[i]
		}
		return wildcards[i]
	}); secret {
		return withoutUserinfo(path)
	}
	return withoutUserinfo(sent)
}

// filled is the pattern with values for its wildcards, by their segment and name, and whether one of them is a secret.
func (o *Options) filled(pattern string, value func(segment int, name string) string) (path string, secret bool) {
	segments := strings.Split(pattern, "/")
	for i, segment := range segments {
		name, ok := wildcard(segment)
		switch {
		case !ok:
		case name == "$":
			segments[i] = ""
		case o.Redact(name):
			segments[i] = redacted
			secret = true
		default:
			segments[i] = value(i, name)
		}
	}
	return strings.Join(segments, "/"), secret
}

// wildcard returns the name of a segment that is one: {token} and {token...} of [http.ServeMux], {token:[a-z]+} of chi,
// :token and *token of gin and echo.
func wildcard(segment string) (name string, ok bool) {
	if inner, ok := strings.CutPrefix(segment, "{"); ok {
		name, _, _ = strings.Cut(strings.TrimSuffix(strings.TrimSuffix(inner, "}"), "..."), ":")
		return name, true
	}
	if len(segment) > 1 && (segment[0] == ':' || segment[0] == '*') {
		return segment[1:], true
	}
	return "", false
}

// shownURL is the URL of a page without what may be secret in it, but for its path.
func (o *Options) shownURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return redacted // whatever it is, it can't be told what in it is secret
	}
	return u.Scheme + "://" + u.Host + withoutUserinfo(u.EscapedPath()) + encoded(o.allowedQuery(u.Query()))
}

// withoutUserinfo redacts user and password of all URLs in a text.
func withoutUserinfo(text string) string {
	const mark = "://"
	at := strings.Index(text, mark)
	if at < 0 || !strings.Contains(text, "@") {
		return text
	}
	at += len(mark)
	rest := text[at:]
	authority := rest
	if end := strings.IndexAny(rest, "/?#\\ \t\r\n\"'<>,"); end >= 0 {
		authority = rest[:end]
	}
	if user := strings.LastIndexByte(authority, '@'); user >= 0 {
		return text[:at] + redacted + withoutUserinfo(rest[user:])
	}
	return text[:at] + withoutUserinfo(rest)
}

// remoteHost is the address of the connection, without its port.
func remoteHost(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

func basicUser(r *http.Request) string {
	user, _, _ := r.BasicAuth()
	return user
}
