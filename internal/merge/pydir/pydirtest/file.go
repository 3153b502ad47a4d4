package pydirtest

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// File is a file of the client's, mapped and written through the mapping. Its methods may be called concurrently.
type File struct {
	generation Generation
	path       string
	byteWise   bool

	mu        sync.Mutex
	fd        *os.File
	mapped    []byte
	used      int
	positions map[string]int // of values, by key
}

// OpenFile opens a file as the client does: an existing one is continued.
func OpenFile(path string, g Generation) (*File, error) {
	fd, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	f := &File{generation: g, path: path, fd: fd, positions: map[string]int{}}
	if err := f.open(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *File) open() error {
	info, err := f.fd.Stat()
	if err != nil {
		return err
	}
	size := int(info.Size())
	if size == 0 {
		size = f.generation.InitialSize()
		if err := f.fd.Truncate(int64(size)); err != nil {
			return err
		}
	}
	if err := f.remap(size); err != nil {
		return err
	}
	f.used = int(binary.NativeEndian.Uint32(f.mapped))
	if f.used == 0 {
		f.used = HeaderSize
		f.setUsed()
		return nil
	}
	for at := HeaderSize; at < f.used; {
		n := int(binary.NativeEndian.Uint32(f.mapped[at:]))
		if at+4+n > f.used {
			return fmt.Errorf("the entry at byte %d ends beyond what is in use", at)
		}
		e := Entry{Key: string(f.mapped[at+4 : at+4+n])}
		f.positions[e.Key] = at + e.ValueOffset()
		at += e.ValueOffset() + f.generation.tail()
	}
	return nil
}

func (f *File) remap(size int) (err error) {
	if f.mapped != nil {
		if err := unix.Munmap(f.mapped); err != nil {
			return err
		}
		f.mapped = nil
	}
	f.mapped, err = unix.Mmap(int(f.fd.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return err
}

func (f *File) setUsed() { f.store(0, binary.NativeEndian.AppendUint32(nil, uint32(f.used))) }

// store writes to the mapping: at once, as an assignment to a slice of an mmap does, or, as struct.pack_into of old clients
// does, zeros first and then byte by byte.
func (f *File) store(at int, b []byte) {
	if !f.byteWise {
		copy(f.mapped[at:at+len(b)], b)
		return
	}
	for i := range b {
		storeByte(f.mapped, at+i, 0)
	}
	for i, c := range b {
		storeByte(f.mapped, at+i, c)
	}
}

// storeByte is a store that the compiler does not put together with others.
//
//go:noinline
func storeByte(b []byte, at int, c byte) { b[at] = c }

// WriteByteWise has values written as old clients do: not at once.
func (f *File) WriteByteWise() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byteWise = true
}

// Read returns the value of a key, which is made at 0 if it is not there.
func (f *File) Read(key string) (float64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.position(key)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.NativeEndian.Uint64(f.mapped[at:])), nil
}

// Write sets the value of a key, and since 0.18 its timestamp in Unix seconds.
func (f *File) Write(key string, value, stamp float64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.position(key)
	if err != nil {
		return err
	}
	b := binary.NativeEndian.AppendUint64(nil, math.Float64bits(value))
	if f.generation == Since018 {
		b = binary.NativeEndian.AppendUint64(b, math.Float64bits(stamp))
	}
	f.store(at, b)
	return nil
}

// position finds the value of a key. A new entry is written whole before the length in use covers it.
func (f *File) position(key string) (int, error) {
	if at, ok := f.positions[key]; ok {
		return at, nil
	}
	entry := AppendEntry(nil, f.generation, Entry{Key: key})
	for size := len(f.mapped); f.used+len(entry) > size; {
		size *= 2
		if err := f.fd.Truncate(int64(size)); err != nil {
			return 0, err
		}
		if err := f.remap(size); err != nil {
			return 0, err
		}
	}
	f.store(f.used, entry)
	f.used += len(entry)
	f.setUsed()
	at := f.used - f.generation.tail()
	f.positions[key] = at
	return at, nil
}

// Path is where the file was opened.
func (f *File) Path() string { return f.path }

// Used is how many bytes are in use.
func (f *File) Used() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// Entries is how many values the file has.
func (f *File) Entries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.positions)
}

// Close unmaps and closes the file. What was written stays, as it does when a process is killed.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mapped != nil {
		if err := unix.Munmap(f.mapped); err != nil {
			return err
		}
		f.mapped = nil
	}
	return f.fd.Close()
}
