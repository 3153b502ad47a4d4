package strictyaml

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// text reads a text, one of the field's enum if it has one.
func (d *decoder) text(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if d.doc.secret(path) && (n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str") {
		d.fail(n, path, "put it in quotes", "want text, got %s", describeKind(n))
		return
	}
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "", "want text, got %s", Describe(n))
		return
	}
	if t := n.ShortTag(); t != "!!str" && t != "!!timestamp" {
		d.fail(n, path, quotesHint(n.Value), "want text, got %s", Describe(n))
		return
	}
	if strings.ContainsRune(n.Value, 0) {
		d.fail(n, path, `take the \0 out`, "the text has a NUL character in it")
		return
	}
	v.SetString(n.Value)
	enum := tag.Get("enum")
	if enum == "" {
		return
	}
	allowed := strings.Split(enum, ",")
	for _, a := range allowed {
		if n.Value == a {
			return
		}
	}
	d.fail(n, path, Suggest(n.Value, allowed, ""), "want %s, got %s", OrList(allowed), Quote(n.Value))
}

// whole reads a whole number within the field's bounds.
func (d *decoder) whole(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	var i int64
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(&i) != nil {
		d.fail(n, path, numberHint(n), "want a whole number, got %s", Describe(n))
		return
	}
	if low, high := tag.Get("min"), tag.Get("max"); high != "" {
		l, _ := strconv.ParseInt(low, 10, 64)
		h, _ := strconv.ParseInt(high, 10, 64)
		if i < l || i > h {
			d.fail(n, path, "", "want a whole number from %s to %s, got %d", low, high, i)
			return
		}
	}
	v.SetInt(i)
}

// number reads a number.
func (d *decoder) number(n *yaml.Node, v reflect.Value, path string) {
	var f float64
	if t := n.ShortTag(); n.Kind != yaml.ScalarNode || t != "!!int" && t != "!!float" || n.Decode(&f) != nil {
		d.fail(n, path, numberHint(n), "want a number, got %s", Describe(n))
		return
	}
	v.SetFloat(f)
}

// Scalar is what a pointer to a type implements that is written as one text or number.
type Scalar interface {
	// SetScalar takes the value as it is written, and says whether it is one.
	SetScalar(text string) bool
	// Wanted names the kind of value, as "a duration", and says how one is written.
	Wanted() (kind, advice string)
}

func (d *decoder) scalar(n *yaml.Node, s Scalar, path string) {
	if n.Kind != yaml.ScalarNode || !s.SetScalar(n.Value) {
		kind, advice := s.Wanted()
		d.fail(n, path, advice, "want %s, got %s", kind, Describe(n))
	}
}

// truth reads true or false.
func (d *decoder) truth(n *yaml.Node, v reflect.Value, path string) {
	var b bool
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Decode(&b) != nil {
		d.fail(n, path, "write true or false, without quotes", "want true or false, got %s", Describe(n))
		return
	}
	v.SetBool(b)
}

// hugeExponent is that of a number with a thousand digits or more.
var hugeExponent = regexp.MustCompile(`[eE][+-]?0*[1-9][0-9]{2,}$`)

// maxNumber bounds the text of a number, in bytes.
const maxNumber = 64

// Bounded says whether the text of a number of any precision is short and its exponent small: what is not takes hours to compare.
func Bounded(text string) bool { return len(text) <= maxNumber && !hugeExponent.MatchString(text) }
