package webconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// checkHint is where the whole truth is told, to who may read the file.
const checkHint = "promtool check web-config says why"

// What the errors of exporter-toolkit and its YAML parser begin with or contain, and what may be said of it. Their
// own text may quote values of the file, which are secrets.
var (
	yamlLine     = regexp.MustCompile(`line (\d+)`)
	unknownField = regexp.MustCompile(`line (\d+): field ([a-z_]+) not found`) // as settings are called, and hardly a password
	headerName   = regexp.MustCompile(`^(HTTP header "[A-Za-z-]+" can not be configured|invalid value for [A-Za-z-]+\.)`)
	quotable     = []string{ // name files and settings only
		"failed to read cert_file", "failed to read key_file", "missing one of", "client CA's have been configured", "open ",
	}
)

// refused says why exporter-toolkit refuses the file, without what is in it.
func refused(path string, err error) error {
	text := err.Error()
	reason := "it is not valid"
	var missing *fs.PathError
	switch match := unknownField.FindStringSubmatch(text); {
	case match != nil:
		reason = fmt.Sprintf("line %s: unknown setting %q", match[1], match[2])
	case strings.Contains(text, "bcrypt"):
		reason = `the password of a user is not a bcrypt hash: make one by htpasswd -nBC 10 "" | tr -d ':'`
	case headerName.MatchString(text):
		reason = strings.TrimSuffix(headerName.FindString(text), ".")
	case strings.Contains(text, "X509KeyPair"):
		reason = "certificate and key can't be used: " + textAfter(text, "failed to load X509KeyPair: ")
	case strings.Contains(text, "invalid ClientAuth"):
		reason = "client_auth_type has an unknown value"
	case errors.As(err, &missing):
		reason = missing.Error()
	case strings.HasPrefix(text, "yaml:"):
		if line := yamlLine.FindStringSubmatch(text); line != nil {
			reason = fmt.Sprintf("line %s is not as it should be", line[1])
		}
	default:
		for _, prefix := range quotable {
			if strings.HasPrefix(text, prefix) {
				reason = text
			}
		}
	}
	return fmt.Errorf("the web configuration file %s can't be used: %s; %s", path, reason, checkHint)
}

func textAfter(text, mark string) string {
	_, after, _ := strings.Cut(text, mark)
	return after
}
