// Package wire is how payloads of state files are put together from numbers and texts: unsigned numbers as varints,
// texts and lists with their length before them. A [Reader] is strict and never takes memory for more than there is to read.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// AppendString appends s with its length before it.
func AppendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// AppendFloat appends the eight bytes of x.
func AppendFloat(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

// Reader reads what was appended, in the same order. After the first error every method returns zero; look at Err or Done
// at the end, and before what was read is acted on.
type Reader struct {
	rest  []byte
	whole int
	err   error
}

// NewReader reads b.
func NewReader(b []byte) *Reader { return &Reader{rest: b, whole: len(b)} }

var errShort = errors.New("it ends too early")

// Fail notes what is wrong, unless something was before. It always returns an error.
func (r *Reader) Fail(format string, args ...any) error {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %w", r.whole-len(r.rest), fmt.Errorf(format, args...))
		r.rest = nil
	}
	return r.err
}

// Err is the first error.
func (r *Reader) Err() error { return r.err }

// Done is the first error, or one if there is something left.
func (r *Reader) Done() error {
	if r.err == nil && len(r.rest) > 0 {
		return r.Fail("%d bytes are left", len(r.rest))
	}
	return r.err
}

// Uvarint reads an unsigned number.
func (r *Reader) Uvarint() uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 { // the second is longer than it needs to be
		r.Fail("%w or is no number", errShort)
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

// Varint reads a signed number.
func (r *Reader) Varint() int64 {
	x := r.Uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

// Count reads the length of a list whose elements take at least size bytes each.
func (r *Reader) Count(size int) int {
	n := r.Uvarint()
	if n > uint64(len(r.rest)/size) {
		r.Fail("%w: a list of %d", errShort, n)
		return 0
	}
	return int(n)
}

// Index reads a number below n.
func (r *Reader) Index(n int) int {
	x := r.Uvarint()
	if r.err == nil && x >= uint64(n) {
		r.Fail("%d is not below %d", x, n)
	}
	if r.err != nil {
		return 0
	}
	return int(x)
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail("%w", errShort)
		return 0
	}
	x := r.rest[0]
	r.rest = r.rest[1:]
	return x
}

// String reads a text.
func (r *Reader) String() string { return string(r.Bytes()) }

// Bytes reads a text without copying it.
func (r *Reader) Bytes() []byte {
	n := r.Count(1)
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// Float reads any eight bytes as a number.
func (r *Reader) Float() float64 {
	if len(r.rest) < 8 {
		r.Fail("%w", errShort)
		return 0
	}
	x := math.Float64frombits(binary.LittleEndian.Uint64(r.rest))
	r.rest = r.rest[8:]
	return x
}
