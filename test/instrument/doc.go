// Package instrument tests the library with what its own module must not depend on: real databases, and the pages of docs/.
package instrument
