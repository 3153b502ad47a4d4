package database

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// hidden are texts that no error may show.
type hidden []string

// passwordKey finds passwords in lists of settings, quoted or not: "password='a b' host=x", "user=u;pwd=p", "?password=p".
var passwordKey = regexp.MustCompile(`(?i)(?:passw(?:or)?d|pwd|passphrase|secret|token)\s*=\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\{[^}]*\}|[^\s;&]*)`)

// passwords returns what may be the password in a data source name: that of a URL's or MySQL's user:password@, and the
// values of settings that are named so; as they stand there, and as they are meant.
func passwords(dataSourceName string) hidden {
	var all hidden
	add := func(from, to int) { all = append(all, forms(dataSourceName, from, to)...) }

	authority := 0
	if i := strings.Index(dataSourceName, "://"); i >= 0 {
		authority = i + len("://")
	}
	if colon := strings.IndexByte(dataSourceName[authority:], ':'); colon >= 0 {
		from := authority + colon + 1
		// It ends at the first @, unless that should have been escaped: then it ends at the last.
		if at := strings.IndexByte(dataSourceName[from:], '@'); at >= 0 {
			add(from, from+at)
			add(from, strings.LastIndexByte(dataSourceName, '@'))
		}
	}
	for _, match := range passwordKey.FindAllStringSubmatchIndex(dataSourceName, -1) {
		from, to := match[2], match[3]
		if to-from >= 2 && strings.ContainsRune(`'"{`, rune(dataSourceName[from])) {
			from, to = from+1, to-1
		}
		add(from, to)
	}
	return all
}

var unescaped = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`)

// forms returns the ways in which a driver may print the password at that place. A word that occurs elsewhere in the data
// source name, as in postgres:postgres@, gives nothing away by itself: then it is the password with what surrounds it.
func forms(dataSourceName string, from, to int) hidden {
	text := dataSourceName[from:to]
	if text == "" {
		return nil
	}
	rest := dataSourceName[:from] + "\x00" + dataSourceName[to:]
	if strings.Contains(rest, text) {
		before, after := max(from-1, 0), min(to+1, len(dataSourceName))
		surrounded := dataSourceName[before:after]
		return hidden{surrounded, quoted(surrounded)}
	}
	variants := hidden{text, quoted(text)}
	for _, decode := range []func(string) (string, error){
		url.PathUnescape, url.QueryUnescape,
		func(s string) (string, error) { return unescaped.Replace(s), nil },
	} {
		if plain, err := decode(text); err == nil && plain != text && !strings.Contains(rest, plain) {
			variants = append(variants, plain, quoted(plain))
		}
	}
	return variants
}

func quoted(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// from returns err, or in its place an error that does not show what is hidden, but is what err is.
func (h hidden) from(err error) error {
	text := err.Error()
	for _, secret := range h {
		if strings.Contains(text, secret) {
			return withheldError{err}
		}
	}
	return err
}

// withheldError is an error whose text shows a password. Masking it would not do: a driver may quote parts of it, too.
type withheldError struct{ err error }

func (withheldError) Error() string {
	return "the driver's error is withheld because it shows the password; " +
		"look for characters in the data source name that must be escaped"
}

func (e withheldError) Is(target error) bool { return errors.Is(e.err, target) }
