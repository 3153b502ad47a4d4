package pydir

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The format of the client's files (prometheus_client/mmap_dict.py), in the byte order of the machine:
//
//	offset 0  int32   bytes in use, this header included
//	offset 4  4 bytes padding
//	offset 8  entries:
//	          int32   n, the length of the key
//	          n bytes key, JSON
//	          1 to 8 spaces, so that what follows is aligned to 8
//	          float64 value
//	          float64 timestamp, since 0.18
const (
	headerSize  = 8
	valueSize   = 8
	stampedSize = 16 // value and timestamp
)

// Both machines that workers run on, x86 and arm, are little-endian; a file of another order does not parse.
var order = binary.LittleEndian

// valueOffset is where the value is, from the beginning of an entry whose key has n bytes.
func valueOffset(n int) int { return (n+4)&^7 + 8 }

// errTorn says that an entry is not one.
var errTorn = errors.New("an entry that is none")

// walk calls visit for every entry of data, which begins with an entry. It stops at the first thing that is no entry,
// or at an error of visit's.
func walk(data []byte, tail, maxKey int, visit func(key []byte, value, stamp uint64) error) error {
	for at := 0; at < len(data); {
		key, next, err := entryAt(data, at, tail, maxKey)
		if err != nil {
			return err
		}
		value, stamp := order.Uint64(data[next-tail:]), uint64(0)
		if tail == stampedSize {
			stamp = order.Uint64(data[next-valueSize:])
		}
		if err := visit(key, value, stamp); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// entryAt checks the entry at an offset and returns its key and where the next one begins.
func entryAt(data []byte, at, tail, maxKey int) (key []byte, next int, err error) {
	if at+4 > len(data) {
		return nil, 0, fmt.Errorf("%w at byte %d: it has no length", errTorn, at)
	}
	n := int(int32(order.Uint32(data[at:])))
	if n < len(`["","",{}]`) || n > maxKey {
		return nil, 0, fmt.Errorf("%w at byte %d: a key of %d bytes", errTorn, at, n)
	}
	value := at + valueOffset(n)
	if value+tail > len(data) {
		return nil, 0, fmt.Errorf("%w at byte %d: it ends beyond what is in use", errTorn, at)
	}
	key = data[at+4 : at+4+n]
	if key[0] != '[' || key[n-1] != ']' {
		return nil, 0, fmt.Errorf("%w at byte %d: its key is no JSON list", errTorn, at)
	}
	for _, c := range data[at+4+n : value] {
		if c != ' ' {
			return nil, 0, fmt.Errorf("%w at byte %d: its key is not padded with spaces", errTorn, at)
		}
	}
	return key, value + tail, nil
}

// tailOf tells the generation of a file from its entries: how many bytes follow a key. One of the two doesn't fit: with
// the wrong one, the length of the second entry is read from the middle of something else.
func tailOf(data []byte, maxKey int) (int, error) {
	nothing := func([]byte, uint64, uint64) error { return nil }
	err := walk(data, stampedSize, maxKey, nothing)
	if err == nil {
		return stampedSize, nil
	}
	if walk(data, valueSize, maxKey, nothing) == nil {
		return valueSize, nil
	}
	return 0, err
}
