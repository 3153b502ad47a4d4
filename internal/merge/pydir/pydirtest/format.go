package pydirtest

import (
	"encoding/binary"
	"math"
)

// Generation is one of the three of the format. Files don't say which one theirs is.
type Generation int

const (
	Before016 Generation = iota // keys without help, a value alone, files of 1 MiB
	Since016                    // 0.16 and 0.17: keys with help, a value alone, files of 64 KiB
	Since018                    // keys with help, a value and its timestamp, files of 64 KiB
)

func (g Generation) String() string {
	return [...]string{"before 0.16", "0.16", "since 0.18"}[g]
}

// InitialSize is how many bytes a new file has.
func (g Generation) InitialSize() int {
	if g == Before016 {
		return 1 << 20
	}
	return 1 << 16
}

// tail is how many bytes follow a key.
func (g Generation) tail() int {
	if g == Since018 {
		return 16
	}
	return 8
}

// HeaderSize is where a file's entries begin.
const HeaderSize = 8

// Entry is one number of a file.
type Entry struct {
	Key          string
	Value, Stamp float64 // Stamp is in Unix seconds; only files since 0.18 have it
}

// ValueOffset is where the value of an entry is, from where the entry begins.
func (e Entry) ValueOffset() int {
	n := len(e.Key)
	return 4 + n + 8 - (n+4)%8
}

// AppendEntry appends an entry's bytes.
func AppendEntry(b []byte, g Generation, e Entry) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(len(e.Key)))
	b = append(b, e.Key...)
	for range e.ValueOffset() - 4 - len(e.Key) {
		b = append(b, ' ')
	}
	b = binary.NativeEndian.AppendUint64(b, math.Float64bits(e.Value))
	if g == Since018 {
		b = binary.NativeEndian.AppendUint64(b, math.Float64bits(e.Stamp))
	}
	return b
}

// Image is what of a file with these entries is in use: a whole file but for the zeros at its end.
func Image(g Generation, entries ...Entry) []byte {
	b := make([]byte, HeaderSize)
	for _, e := range entries {
		b = AppendEntry(b, g, e)
	}
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	return b
}
