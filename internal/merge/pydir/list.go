package pydir

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// list brings the files in line with the directory: new ones are opened, those that are no longer there are marked gone.
// After an error the files known stand.
func (m *Merger) list() error {
	another, err := m.directory.reopen()
	if another {
		for _, f := range m.files {
			f.gone = true
		}
		clear(m.folded)
	}
	if err != nil {
		return err
	}
	changed, err := m.directory.changed(m.options.Now())
	if err != nil || !changed {
		return err
	}
	entries, misnamed, err := m.directory.entries(m.options.Limits.Entries)
	if err != nil {
		return err
	}
	l := listing{m: m, there: make(map[string]status, len(entries)), leftOut: map[string]reason{}}
	for _, base := range misnamed {
		l.leaveOut(base, leftOut(reasonName, "it is not named as the client names its files"))
	}
	l.compare(entries)
	l.open(entries)
	m.leftOut = l.leftOut
	return nil
}

// listing is one comparison of the files known with those that are there.
type listing struct {
	m       *Merger
	there   map[string]status
	known   map[identity]*file
	leftOut map[string]reason
}

func (l *listing) leaveOut(base string, err error) {
	r := reasonOf(err)
	if l.m.leftOut[base] != r {
		l.m.left(base, r, err)
	}
	l.leftOut[base] = r
}

// compare marks the files whose path leads elsewhere. What has another name now is the same file: a hook renames the
// files of a dead worker.
func (l *listing) compare(entries []entry) {
	m := l.m
	dir := int(m.directory.fd.Fd())
	for _, e := range entries {
		if s, err := statusAt(dir, e.base); err == nil {
			l.there[e.base] = s
		}
	}
	l.known = make(map[identity]*file, len(m.files))
	renamed := map[identity]*file{}
	for _, f := range m.files {
		l.known[f.id] = f
		if l.there[f.base].identity != f.id {
			f.gone = f.gone || !f.missable()
			renamed[f.id] = f
		} else {
			f.missed = false
		}
	}
	for _, e := range entries {
		if f := renamed[l.there[e.base].identity]; f != nil && f.class == e.class {
			f.gone, f.missed, f.base, f.fileName = false, false, e.base, e.fileName
			delete(renamed, f.id)
		}
	}
	for _, f := range renamed {
		if !f.gone {
			f.missed = true
			m.directory.listed = time.Time{} // look again
		}
	}
	m.dispel(l.there)
	for base, id := range m.folded {
		if l.there[base].identity != id {
			delete(m.folded, base) // deleted: what it counted stays
		}
	}
}

// missable tells whether a file may be in the directory although a listing lacks it: one that is renamed meanwhile can be
// listed under neither name. Taken for gone, it would be added again under the new one. The next listing decides.
func (f *file) missable() bool {
	if f.missed || f.retired { // who is retired keeps the name
		return false
	}
	if f.fd == nil {
		return true
	}
	s, err := statusOf(int(f.fd.Fd()))
	return err == nil && s.links > 0
}

// open opens what is there and not known.
func (l *listing) open(entries []entry) {
	m := l.m
	open := 0
	for _, f := range m.files {
		if f.fd != nil {
			open++
		}
	}
	for _, e := range entries {
		s, ok := l.there[e.base]
		if !ok {
			continue // it went meanwhile
		}
		if f := l.known[s.identity]; f != nil {
			if f.base != e.base {
				l.leaveOut(e.base, leftOut(reasonDuplicate, "it is the same file as %s", f.base))
			}
			continue
		}
		if _, done := m.folded[e.base]; done {
			continue
		}
		if open >= m.options.Limits.Files {
			l.leaveOut(e.base, leftOut(reasonLimit, "more than %d files are open", open))
			continue
		}
		f, err := l.openOne(e)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			l.leaveOut(e.base, err)
			continue
		}
		open++
		l.known[f.id] = f
		m.files = append(m.files, f)
	}
	slices.SortFunc(m.files, func(a, b *file) int { return cmp.Compare(a.base, b.base) })
}

func (l *listing) openOne(e entry) (*file, error) {
	fd, s, err := openRegular(int(l.m.directory.fd.Fd()), e.base)
	if err != nil {
		return nil, err
	}
	if err := l.m.trusts(s); err != nil {
		_ = fd.Close()
		return nil, err
	}
	f := &file{fileName: e.fileName, base: e.base, id: s.identity, fd: fd}
	return f, nil
}

// trusts refuses files of other users: whoever may write to the directory could make up counts. Root reads for anybody.
func (m *Merger) trusts(s status) error {
	user := os.Geteuid()
	if user == 0 || int(s.owner) == user || s.owner == m.directory.owner {
		return nil
	}
	return leftOut(reasonOwner, "it belongs to user %d: run this as the same user as the workers, who is now %d", s.owner, user)
}
