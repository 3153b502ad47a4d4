package promapi

import (
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxToken bounds one name, string or number. Prometheus itself has no limit for label values; a hostile answer could be
// one string.
const maxToken = 1 << 20

// bounded ends an answer that is too long, and remembers why reading ended.
type bounded struct {
	from        io.Reader
	left, limit int64
	inToken     int   // bytes read since the last token ended
	err         error // other than the end
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed shows that there is more
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	b.inToken += n
	switch {
	case b.left < 0:
		b.err = faultf(TooLarge, "answered with more than %s", sizeOf(b.limit))
	case b.inToken > maxToken:
		b.err = faultf(TooLarge, "answered with a text longer than %s", sizeOf(maxToken))
	case err != nil && !errors.Is(err, io.EOF):
		b.err = network(err, "broke off its answer")
	}
	if b.err != nil {
		return 0, b.err
	}
	return n, err
}

// broken says why no more could be read.
func (a *answer) broken(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case a.body.err != nil:
		return a.body.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return faultf(NotUnderstood, "ended its answer in the middle, after %s", sizeOf(a.json.InputOffset()))
	case errors.As(err, &syntax) && syntax.ByteOffset == 0:
		return faultf(NotUnderstood, "answered with something that is not JSON").with("is the address that of a Prometheus API?")
	case errors.As(err, &syntax):
		return faultf(NotUnderstood, "answered with JSON that is broken after %d bytes", syntax.ByteOffset)
	}
	return faultf(NotUnderstood, "answered with something that is not JSON")
}

func (a *answer) token() (jsontext.Token, error) {
	t, err := a.json.ReadToken()
	a.body.inToken = 0
	if err != nil {
		return t, a.broken(err)
	}
	return t, nil
}

// skip reads past a value, however long, and keeps none of it.
func (a *answer) skip() error {
	depth := a.json.StackDepth()
	for {
		if _, err := a.token(); err != nil {
			return err
		}
		if a.json.StackDepth() <= depth {
			return nil
		}
	}
}

func (a *answer) unexpected(wanted string) error {
	return faultf(NotUnderstood, "answered with JSON that has no %s at %s", wanted, oneLine(string(a.json.StackPointer())))
}

func (a *answer) begin(kind jsontext.Kind, wanted string) error {
	t, err := a.token()
	if err == nil && t.Kind() != kind {
		err = a.unexpected(wanted)
	}
	return err
}

// object calls each for every field of the object that comes next. It must read the field's value.
func (a *answer) object(each func(field string) error) error {
	if err := a.begin('{', "object"); err != nil {
		return err
	}
	for {
		t, err := a.token()
		if err != nil || t.Kind() == '}' {
			return err
		}
		if err := each(t.String()); err != nil {
			return err
		}
	}
}

// array calls each for every element of the array that comes next. It must read the element.
func (a *answer) array(each func() error) error {
	if err := a.begin('[', "list"); err != nil {
		return err
	}
	for {
		switch a.json.PeekKind() {
		case ']':
			_, err := a.token()
			return err
		case 0: // an error, which the next read tells
			_, err := a.token()
			return err
		}
		if err := each(); err != nil {
			return err
		}
	}
}

// raw reads a value of a kind as it stands in the answer. It is good until the next read.
func (a *answer) raw(kind jsontext.Kind, wanted string) (jsontext.Value, error) {
	switch k := a.json.PeekKind(); k {
	case kind, 0: // 0: an error, which reading tells
	default:
		return nil, a.unexpected(wanted)
	}
	v, err := a.json.ReadValue()
	a.body.inToken = 0
	if err != nil {
		return nil, a.broken(err)
	}
	return v, nil
}

// string reads a text.
func (a *answer) string() (string, error) {
	v, err := a.raw('"', "text")
	if err != nil {
		return "", err
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", a.broken(err)
	}
	return string(text), nil
}
