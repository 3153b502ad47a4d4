package pydir

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// file is one of the client's files, held open.
type file struct {
	fileName
	base string
	id   identity
	fd   *os.File

	// What is remembered of its contents: for each entry the length of its key, the number it is a part of (nil if none),
	// and the last good value.
	tail    int // bytes after a key; 0 until there is an entry
	used    int // bytes of which entries are known
	lengths []uint32
	slots   []*slot
	values  []uint64 // float64 bits
	stamps  []uint64 // timestamps, of mostrecent gauges only
	pending pending

	bad      reason // why it was not read last time, or ""
	dead     bool   // its process is gone
	judged   bool   // dead tells whether it is
	gone     bool   // its path leads elsewhere: it is read once more
	verified bool   // sealed before, and read once more to make sure
	sealed   bool   // final and read: it is not read again
	refusal  error  // why what is in use beyond used can't be parsed, or nil
	retryAt  uint64 // the reading at which that is tried again
	held     map[int]bool
	found    scanned
}

// reason names why a file was left out, in metrics.
type reason string

const (
	reasonEmpty      reason = "empty"       // nothing in it: its worker was killed before it wrote
	reasonTruncated  reason = "truncated"   // shorter than what it says is in use
	reasonCorrupt    reason = "corrupt"     // what should be an entry is none
	reasonForeign    reason = "foreign"     // never parsed: another generation or byte order, or no file of the client's at all
	reasonTooLarge   reason = "too_large"   // more in use than the limit
	reasonUnreadable reason = "unreadable"  // no permission, an input/output error
	reasonNotRegular reason = "not_regular" // a link, a pipe, a device, a directory
	reasonOwner      reason = "owner"       // belongs to somebody else
	reasonName       reason = "name"        // ends in .db, but the client names its files otherwise
	reasonDuplicate  reason = "duplicate"   // the same file under another name
	reasonLimit      reason = "limit"       // more files than are read
)

var reasons = []reason{
	reasonEmpty, reasonTruncated, reasonCorrupt, reasonForeign, reasonTooLarge, reasonUnreadable, reasonNotRegular, reasonOwner, reasonName,
	reasonDuplicate, reasonLimit,
}

// fileError is why a file is left out.
type fileError struct {
	reason reason
	err    error
}

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func leftOut(r reason, format string, args ...any) error {
	return &fileError{r, fmt.Errorf(format, args...)}
}

func reasonOf(err error) reason {
	if e := (*fileError)(nil); errors.As(err, &e) {
		return e.reason
	}
	return reasonUnreadable
}

// scanned is what a look at a file found.
type scanned struct {
	used    int
	changes []change // places in the scanner's list
	err     error
}

// change is a value that is not what it was.
type change struct {
	entry        int
	value, stamp uint64
}

// chunk is how much of a file is read at once: it fits into the cache of a core. An entry that is longer has a buffer made
// for it, as long as its key is no longer than maxKey.
const (
	chunk  = 256 << 10
	maxKey = 4 << 20
)

// scanner looks at files with a buffer of its own.
type scanner struct {
	buf     []byte
	large   []byte // for whole files, used by one scanner alone
	changes []change
	limits  Limits
}

func newScanner(l Limits) *scanner { return &scanner{buf: make([]byte, chunk), limits: l} }

// scan compares every known value of f with what the file has now. It changes nothing of f but found: a file is taken in
// as a whole or not at all. It may run beside scans of other files.
func (s *scanner) scan(f *file) {
	start := len(s.changes)
	used, have, err := s.begin(f)
	if err == nil && used >= f.used {
		err = s.compare(f, have)
	}
	f.found = scanned{used: used, changes: s.changes[start:len(s.changes):len(s.changes)], err: err}
}

// begin reads how much of the file is in use, and with it the first chunk of what is known. Entries that are not known yet
// are read later than the length that covers them: the client writes it after them.
func (s *scanner) begin(f *file) (used, have int, err error) {
	have, err = f.fd.ReadAt(s.buf[:min(len(s.buf), max(headerSize, f.used))], 0)
	switch {
	case have == 0 && errors.Is(err, io.EOF):
		return 0, 0, leftOut(reasonEmpty, "it is empty")
	case have < headerSize && errors.Is(err, io.EOF):
		return 0, 0, leftOut(reasonTruncated, "it ends after %d bytes", have)
	case err != nil && !errors.Is(err, io.EOF):
		return 0, 0, leftOut(reasonUnreadable, "%w", err)
	}
	used = int(int32(order.Uint32(s.buf)))
	switch {
	case used == 0:
		return 0, 0, leftOut(reasonEmpty, "nothing of it is in use")
	case used < headerSize || used%8 != 0:
		return 0, 0, leftOut(reasonForeign, "it says that %d bytes are in use", used)
	case used > s.limits.FileBytes:
		return 0, 0, leftOut(reasonTooLarge, "%d bytes are in use, more than the limit of %d", used, s.limits.FileBytes)
	}
	return used, have, nil
}

// compare walks over the entries that are known. The buffer has the beginning of the file.
func (s *scanner) compare(f *file, have int) error {
	buf, from, to := s.buf, 0, have // what of the file the buffer has
	values, tail, at := f.values[:len(f.lengths)], f.tail, headerSize
	for i, length := range f.lengths {
		next := at + valueOffset(int(length)) + tail
		if next > to {
			var err error
			if from, to, err = s.fill(f, at, next, f.used); err != nil {
				return err
			}
			buf = s.buf
		}
		entry := buf[at-from : next-from]
		if order.Uint32(entry) != length {
			return leftOut(reasonCorrupt, "the entry at byte %d is not the one that was there", at)
		}
		value, stamp := order.Uint64(entry[len(entry)-tail:]), uint64(0)
		if f.stamps != nil {
			stamp = order.Uint64(entry[len(entry)-valueSize:])
		}
		if value != values[i] || f.stamps != nil && stamp != f.stamps[i] {
			if value, stamp = s.again(f, i, next, value, stamp); value != values[i] || f.stamps != nil {
				s.changes = append(s.changes, change{i, value, stamp})
			}
		}
		at = next
	}
	return nil
}

// fill reads a chunk that begins with the entry at an offset, of a file that has so much in use.
func (s *scanner) fill(f *file, at, next, used int) (from, to int, err error) {
	if next-at > len(s.buf) {
		s.buf = make([]byte, next-at)
	}
	want := min(len(s.buf), used-at)
	n, err := f.fd.ReadAt(s.buf[:want], int64(at))
	if n < want {
		if errors.Is(err, io.EOF) {
			return 0, 0, leftOut(reasonTruncated, "it ends after %d bytes, and %d are in use", at+n, used)
		}
		return 0, 0, leftOut(reasonUnreadable, "%w", err)
	}
	return at, at + n, nil
}

// again reads a value once more that has fallen and can't: the client before 0.5 wrote a value byte by byte, having
// cleared it first, and this may have been in between.
func (s *scanner) again(f *file, i, next int, value, stamp uint64) (uint64, uint64) {
	if f.slots[i] == nil || !f.slots[i].monotone() {
		return value, stamp
	}
	var b [valueSize]byte
	for range 3 {
		if math.Float64frombits(value) >= math.Float64frombits(f.values[i]) {
			break
		}
		if _, err := f.fd.ReadAt(b[:], int64(next-f.tail)); err != nil {
			break
		}
		value = order.Uint64(b[:])
	}
	return value, stamp
}
