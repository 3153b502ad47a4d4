package wire_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/truecount/truecount/internal/merge/state/wire"
)

func TestWhatWasAppendedIsRead(t *testing.T) {
	b := binary.AppendUvarint(nil, 300)
	b = binary.AppendVarint(b, math.MinInt64)
	b = wire.AppendString(b, "text")
	b = wire.AppendFloat(b, math.Copysign(0, -1))
	b = append(b, 7)
	r := wire.NewReader(b)
	if n, i, s, f, c := r.Uvarint(), r.Varint(), r.String(), r.Float(), r.Byte(); n != 300 || i != math.MinInt64 || s != "text" ||
		math.Float64bits(f) != 1<<63 || c != 7 || r.Done() != nil {
		t.Errorf("read %d %d %q %v %d %v", n, i, s, f, c, r.Done())
	}
}

func TestWhatDoesNotFitIsAnErrorAndTakesNoMemory(t *testing.T) {
	huge := binary.AppendUvarint(nil, math.MaxUint64)
	for name, test := range map[string]struct {
		b    []byte
		read func(r *wire.Reader)
	}{
		"a text longer than what is left": {append(huge, 'x'), func(r *wire.Reader) { _ = r.String() }},
		"a list longer than what is left": {append([]byte{3}, make([]byte, 20)...), func(r *wire.Reader) { r.Count(8) }},
		"an index beyond the list":        {[]byte{3}, func(r *wire.Reader) { r.Index(3) }},
		"a number that breaks off":        {[]byte{0x80}, func(r *wire.Reader) { r.Uvarint() }},
		"a number longer than it need be": {[]byte{0x80, 0}, func(r *wire.Reader) { r.Uvarint() }},
		"a float that breaks off":         {make([]byte, 7), func(r *wire.Reader) { r.Float() }},
		"nothing":                         {nil, func(r *wire.Reader) { r.Byte() }},
		"something left":                  {[]byte{0}, func(*wire.Reader) {}},
	} {
		t.Run(name, func(t *testing.T) {
			r := wire.NewReader(test.b)
			test.read(r)
			if r.Done() == nil {
				t.Error("no error")
			}
			if r.Uvarint() != 0 || r.String() != "" || r.Float() != 0 || r.Byte() != 0 || r.Index(1) != 0 || r.Count(1) != 0 {
				t.Error("something was read after it")
			}
		})
	}
}
