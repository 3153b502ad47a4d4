// Package guides runs the pages of docs/guides: the very commands that a reader is told to run, and what the pages say
// of their output.
package guides
