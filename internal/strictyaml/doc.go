// Package strictyaml reads YAML files into structs, strictly and in the operator's words.
//
// A field that is not known, a value of the wrong kind or one that is given twice is an [Error] that says file, line and column,
// what is wrong and what to do about it; all mistakes of a file are reported in one run. Where each field was written is remembered
// ([Document.Where]), so that what is found out later has its place, too. Time and memory are bounded whatever the data.
//
// The struct tags are data for the decoder, and for documents that are made from them:
//
//	yaml      the field's name
//	default   the value of a field that is left out
//	required  the field must be given
//	enum      the texts that are allowed
//	min, max  bounds of a number, both included
//
// A field of type *yaml.Node takes any value, which is not looked into.
//
// [Parse] takes the documents of a file apart, [Document.Decode] reads one. The package is pure.
package strictyaml
