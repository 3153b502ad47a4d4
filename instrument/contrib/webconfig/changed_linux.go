package webconfig

import (
	"io/fs"
	"syscall"
	"time"
)

// changed returns when the file was last written or replaced, which nobody can set back.
func changed(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Unix())
	}
	return info.ModTime()
}
