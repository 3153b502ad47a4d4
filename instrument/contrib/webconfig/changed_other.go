//go:build !linux && !darwin

package webconfig

import (
	"io/fs"
	"time"
)

// changed returns when the file was last written.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }
