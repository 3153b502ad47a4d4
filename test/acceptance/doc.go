// Package acceptance drives the truecount program from outside, as a person does: real processes, real sockets, a real
// browser. It has tests only.
package acceptance
