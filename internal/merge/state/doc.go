// Package state keeps one payload in one file, so that it outlives the process that wrote it, however that ends.
//
//	file, err := state.Open("/var/lib/truecount/clicks.state", "endpoints")
//	payload, err := file.Load()
//	err = file.Save(payload)
//	err = file.Close()
//
// A reader finds the payload that was saved last, or the one before: whole, or not at all. [File.Save] writes a new file
// beside the old one, brings it to the disk, renames it over the old one and brings the directory to the disk. A process
// that is killed on the way leaves FILE.new behind, which is never read and which the next [Open] removes. As long as a
// process has the file open nobody else can: it holds a lock on FILE.lock, which ends with the process and whose file stays.
// While a payload is saved the old and the new one take up room together.
//
// # What is in the way
//
// What isn't a regular file (a link, a pipe, a device, a directory), and a file that doesn't begin as a state file or that
// somebody else's payload is in, was not put there by us: Open or Load fails with [ErrForeign] and nothing is touched.
// A state file that is cut off, has been changed, is longer than [MaxBytes] or was written by a later version can't be used:
// Load returns a [DamagedError], the file is kept as FILE.damaged (the latest one only), and the next Load finds none.
//
// # Format
//
// All numbers are little endian.
//
//	 0   8  magic "TCSTATE\n"
//	 8   4  version, 1
//	12   4  CRC-32C of all other bytes of the file
//	16  16  kind of the payload, filled up with zeros
//	32   8  length of the payload
//	40      payload
//
// A checksum of 32 bits finds every file that lost a part, and all but one in four thousand million that were changed
// at random. It doesn't keep anybody out who may write the file.
package state
