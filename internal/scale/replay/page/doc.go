// Package page writes the report of a replay as one HTML file that needs nothing else: no script, no font, no network. A
// policy in the file itself forbids all of that; only its own style is allowed, by its hash. It is light or dark as the reader's
// system is, and prints.
package page
