// Package pydir merges the multiprocess directory of Python's Prometheus client (PROMETHEUS_MULTIPROC_DIR): every worker
// process writes its values into mapped files of its own, and one scrape adds them up.
//
// # What is read
//
// All three generations of the files, told apart by their structure: the client before 0.16 (keys without help), 0.16 and
// 0.17 (keys with help), and since 0.18 (each value with a timestamp). Files are held open and read with pread(2), never
// mapped: a mapping of a file that somebody truncates would kill the process. Every scrape reads every value; neither
// size nor modification time are trusted, because writes through a mapping change neither. What is remembered of a file
// is where its values are; it holds while the descriptor is open, the path leads to the same file, the length in use has
// not fallen and the length before each key is the same.
//
// # What it means
//
// Counters, summaries and histograms are added up; gauges by the mode in the file's name: all, min, max, sum, mostrecent
// and their live variants. Sums are correctly rounded whatever the order of files. A file (name, device, inode) is one
// series of counts: the client itself continues the file of a pid that is used again, so it is never added twice.
//
// What was counted stays: the last good values of a file that is deleted, emptied, truncated or corrupt stand, the former
// two read once more through the open descriptor. A directory that is wiped while the application restarts therefore
// makes no counter fall. A counter that falls inside a file is damage and is held at its last good value, unless the
// length in use fell as well: then the file was begun anew, and what it counted before is kept.
//
// A file named …_PID.retired-N.db is final: whoever renamed it knew that its process is dead, and no other process can
// open it under that name. It is read once more and then no longer. Its live gauges leave.
//
// FAULTS.md has the faults and their tests; docs/reference/python-directory.md the differences from the client's own merge.
//
// All exported methods may be called concurrently.
package pydir
