// Package application reads the application file: one file per application that says what the whole chain needs to
// know about it, from the worker's command to the autoscaler's target.
//
// Reading is strict and in the operator's words: a field that is not known, a value of the wrong kind, a name that is
// used and not declared or a number given twice is an error that says file, line and column, what is wrong and what to
// do about it. All errors of a file are reported in one run.
//
// The comments on the fields of [Application] and [Local] are the reference; docs/reference/application.md and its
// JSON Schema are made from them. What the struct tags mean is told by package strictyaml.
//
// The package is pure: except for [Load], which reads one file, it does no input or output.
package application
