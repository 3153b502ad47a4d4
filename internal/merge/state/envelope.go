package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	magic      = "TCSTATE\n"
	version    = 1
	headerSize = 40
	kindSize   = 16

	atVersion  = 8
	atChecksum = 12
	atKind     = 16
	atLength   = 32
)

// Reason says why a state file can't be used.
type Reason string

// The reasons.
const (
	Truncated Reason = "truncated" // shorter than it says, or empty
	Changed   Reason = "changed"   // the checksum does not fit, or there is more than it says
	Version   Reason = "version"   // of a version that this program doesn't know
	TooLarge  Reason = "too_large" // longer than [MaxBytes]
	Payload   Reason = "payload"   // whole, but whoever saved it can't read it: see [File.Refuse]
)

// unusable is what is wrong with the content of a file that is or may once have been a state file.
type unusable struct {
	reason Reason
	text   string
}

func (u *unusable) Error() string { return u.text }

// foreign is why a file is none of ours, or none of this kind.
type foreign struct{ text string }

func (f *foreign) Error() string { return f.text }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func header(kind string, payload []byte) [headerSize]byte {
	var h [headerSize]byte
	copy(h[:], magic)
	binary.LittleEndian.PutUint32(h[atVersion:], version)
	copy(h[atKind:atLength], kind)
	binary.LittleEndian.PutUint64(h[atLength:], uint64(len(payload)))
	binary.LittleEndian.PutUint32(h[atChecksum:], checksum(h[:], payload))
	return h
}

func checksum(h, payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, h[:atChecksum])
	sum = crc32.Update(sum, castagnoli, h[atKind:headerSize])
	return crc32.Update(sum, castagnoli, payload)
}

// checkHeader looks at the first bytes of a file of that size. It decides whether reading the rest makes sense.
func checkHeader(h []byte, size int64) error {
	if len(bytes.Trim(h, "\x00")) == 0 { // what a file system may leave of a file after the power went
		return &unusable{Truncated, "it has no content"}
	}
	if n := min(len(h), len(magic)); string(h[:n]) != magic[:n] {
		return &foreign{"it is not a state file"}
	}
	if len(h) < headerSize {
		return &unusable{Truncated, fmt.Sprintf("it ends after %d bytes", size)}
	}
	if v := binary.LittleEndian.Uint32(h[atVersion:]); v != version {
		return &unusable{Version, fmt.Sprintf("it is of version %d, and this program knows version %d", v, version)}
	}
	length := binary.LittleEndian.Uint64(h[atLength:])
	switch {
	case size > headerSize+MaxBytes:
		return &unusable{TooLarge, fmt.Sprintf("it has %d bytes, and at most %d are read", size, headerSize+MaxBytes)}
	case length > uint64(size-headerSize):
		return &unusable{Truncated, fmt.Sprintf("it ends after %d bytes", size)}
	case length < uint64(size-headerSize):
		return &unusable{Changed, "it has more bytes than were written"}
	}
	return nil
}

// decode returns the payload of a whole file, which shares its memory.
func decode(kind string, file []byte) ([]byte, error) {
	if err := checkHeader(file[:min(len(file), headerSize)], int64(len(file))); err != nil {
		return nil, err
	}
	h, payload := file[:headerSize], file[headerSize:]
	if checksum(h, payload) != binary.LittleEndian.Uint32(h[atChecksum:]) {
		return nil, &unusable{Changed, "its checksum does not fit"}
	}
	if have := string(bytes.TrimRight(h[atKind:atLength], "\x00")); have != kind {
		return nil, &foreign{fmt.Sprintf("it is the state of %q, not of %q", have, kind)}
	}
	return payload, nil
}
