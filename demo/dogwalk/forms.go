package dogwalk

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/truecount/truecount/demo/dogwalk/store"
	"github.com/truecount/truecount/demo/service"
)

const (
	longestName  = 60
	longestEmail = 254 // RFC 5321 allows a path of 256 with its brackets
	oldest       = 30  // years; the oldest dog on record was one year younger
)

var (
	errTooLarge = errors.New("the form is too large")
)

// A form holds what was typed, and by field what is wrong with it.
type form struct {
	Values map[string]string
	Wrong  map[string]string
}

// readForm reads the named fields of a posted form.
func readForm(w http.ResponseWriter, r *http.Request, fields ...string) (form, error) {
	f := form{Values: map[string]string{}, Wrong: map[string]string{}}
	r.Body = http.MaxBytesReader(w, r.Body, service.MaxForm)
	err := r.ParseForm()
	for _, field := range fields {
		f.Values[field] = strings.TrimSpace(r.PostForm.Get(field))
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return f, errTooLarge
	}
	if err != nil {
		f.Wrong[""] = "The form could not be read."
	}
	return f, nil
}

func (f form) valid() bool { return len(f.Wrong) == 0 }

// whole reads a number from lowest to highest.
func (f form) whole(field, what string, lowest, highest int) int {
	n, err := strconv.Atoi(f.Values[field])
	switch {
	case f.Values[field] == "":
		f.Wrong[field] = fmt.Sprintf("Please enter %s.", what)
	case err != nil || n < lowest || n > highest:
		f.Wrong[field] = fmt.Sprintf("Please enter %s as a whole number from %d to %d.", what, lowest, highest)
	}
	return n
}

// choice reads the id of something in a list.
func (f form) choice(field, what string) int64 {
	n, err := strconv.ParseInt(f.Values[field], 10, 64)
	if err != nil || n < 1 {
		f.Wrong[field] = fmt.Sprintf("Please choose %s.", what)
	}
	return n
}

func (f form) name(field, whose string) string {
	name := f.Values[field]
	switch {
	case name == "":
		f.Wrong[field] = fmt.Sprintf("Please enter the %s's name.", whose)
	case utf8.RuneCountInString(name) > longestName || !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		f.Wrong[field] = fmt.Sprintf("Please enter a name of at most %d letters.", longestName)
	}
	return name
}

func (f form) dog() store.Dog {
	dog := store.Dog{Name: f.name("name", "dog"), Size: store.Size(f.Values["size"]), Age: f.whole("age", "the age in years", 0, oldest)}
	if dog.Size != "" && !slices.Contains(store.Sizes(), dog.Size) {
		f.Wrong["size"] = "Please choose one of the sizes."
	}
	return dog
}

func (f form) walker() store.Walker {
	walker := store.Walker{Name: f.name("name", "walker"), Email: f.Values["email"]}
	address, err := mail.ParseAddress(walker.Email)
	if err != nil || address.Address != walker.Email || len(walker.Email) > longestEmail {
		f.Wrong["email"] = "Please enter an email address like ada@dogwalk.example."
	}
	return walker
}
