package application

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
	"k8s.io/apimachinery/pkg/api/resource"
)

// text reads a text, one of the field's enum if it has one.
func (d *decoder) text(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if mayBeSecret(path) && (n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str") {
		d.fail(n, path, "put it in quotes", "want text, got %s", describeKind(n))
		return
	}
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "", "want text, got %s", describe(n))
		return
	}
	if t := n.ShortTag(); t != "!!str" && t != "!!timestamp" {
		d.fail(n, path, "put it in quotes: "+strconv.Quote(n.Value), "want text, got %s", describe(n))
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
	d.fail(n, path, suggest(n.Value, allowed, ""), "want %s, got %s", orList(allowed), quote(n.Value))
}

// whole reads a whole number within the field's bounds.
func (d *decoder) whole(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	var i int64
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(&i) != nil {
		d.fail(n, path, numberHint(n), "want a whole number, got %s", describe(n))
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
		d.fail(n, path, numberHint(n), "want a number, got %s", describe(n))
		return
	}
	v.SetFloat(f)
}

// duration reads a length of time above 0.
func (d *decoder) duration(n *yaml.Node, v reflect.Value, path string) {
	const advice = "write a number and a unit: 250ms, 15s, 2m, 1h30m, 15d"
	parsed, err := model.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		d.fail(n, path, advice, "want a duration, got %s", describe(n))
		return
	}
	v.SetInt(int64(parsed))
}

// quantity reads a number as Kubernetes writes it.
func (d *decoder) quantity(n *yaml.Node, v reflect.Value, path string) {
	const advice = "write a number, with a suffix if you like: 10m is 0.01, 2k is 2000"
	if n.Kind != yaml.ScalarNode || len(n.Value) > 64 {
		d.fail(n, path, advice, "want a quantity, got %s", describe(n))
		return
	}
	q, err := resource.ParseQuantity(n.Value)
	if err != nil {
		d.fail(n, path, advice, "want a quantity, got %s", describe(n))
		return
	}
	v.Set(reflect.ValueOf(Quantity{q}))
}
