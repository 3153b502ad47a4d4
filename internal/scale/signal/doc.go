// Package signal turns what a query of a signal answered into what the autoscaling algorithm reads, or says why it cannot be
// used. Whoever asks, the loop on this machine or the replay of the past, takes in the same answer in the same way and
// gives the same reason.
//
// What is not known is never taken for 0. An answer that is empty, or has a value that is NaN, infinite, negative, too large
// or too old, makes the whole reading an error; a pod that merely has no sample is missing, which the algorithm knows
// to handle.
package signal
