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
		"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "authorization", "credential",
		"signature", "session", "cookie", "csrf", "xsrf", "clientcert", "assertion",
	}
	secretNames = []string{"auth", "xauth", "code", "jwt", "key", "otp", "pass", "pin", "pwd", "samlresponse", "sid", "sig", "ticket"}
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

// shownPath is the path as the client sent it, but for the wildcards that are secrets. Where the pattern has one, the
// path is made from the pattern, so that no other spelling of the secret gets through.
func (o *Options) shownPath(r *http.Request) string {
	at := strings.IndexByte(r.Pattern, '/')
	if at < 0 {
		return withoutUserinfo(r.URL.EscapedPath())
	}
	segments := strings.Split(r.Pattern[at:], "/")
	secret := false
	for i, segment := range segments {
		name, isWildcard := strings.CutPrefix(segment, "{")
		if !isWildcard {
			continue
		}
		name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "...")
		switch {
		case name == "$":
			segments[i] = ""
		case o.Redact(name):
			segments[i] = redacted
			secret = true
		default:
			segments[i] = strings.ReplaceAll(url.PathEscape(r.PathValue(name)), "%2F", "/")
		}
	}
	if !secret {
		return withoutUserinfo(r.URL.EscapedPath())
	}
	return withoutUserinfo(strings.Join(segments, "/"))
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
