package pydir

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
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
	found, err := m.directory.entries(m.options.Limits.Entries)
	if err != nil {
		return err
	}
	l := listing{m: m, there: make(map[string]status, len(found.files)), final: make(map[identity]string, len(m.folded)), leftOut: map[string]reason{}}
	for _, base := range found.misnamed {
		l.leaveOut(base, leftOut(reasonName, "it is not named as the client names its files"))
	}
	l.compare(found.files)
	if found.complete && !l.unsure {
		m.dispel(l.there)
	}
	l.open(found.files)
	m.leftOut, m.beyond = l.leftOut, l.beyond
	if l.unsure {
		m.directory.listed = time.Time{} // what changes next may not show in the directory's modification time
	}
	return nil
}

// listing is one comparison of the files known with those that are there.
type listing struct {
	m       *Merger
	there   map[string]status
	known   map[identity]*file
	final   map[identity]string // the names of the files that are folded
	leftOut map[string]reason
	beyond  []string // left out because of the limit
	unsure  bool     // something could not be known or opened, which may be otherwise next time
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
	for _, e := range entries {
		_ = l.look(e.base) // what it leads to, if anything, is in l.there
	}
	l.known = make(map[identity]*file, len(m.files))
	moved := map[identity]*file{}
	for _, f := range m.files {
		l.known[f.id] = f
		if l.leadsElsewhere(f.base, f.id) {
			f.gone = true
			moved[f.id] = f
		}
	}
	movedFinal := map[identity]bool{}
	for base, id := range m.folded {
		if l.leadsElsewhere(base, id) {
			delete(m.folded, base) // what it counted stays
			movedFinal[id] = true
		} else {
			l.final[id] = base
		}
	}
	for _, e := range entries {
		id := l.there[e.base].identity
		if f := moved[id]; f != nil && f.class == e.class {
			f.gone, f.base, f.fileName = false, e.base, e.fileName
			delete(moved, f.id)
		}
		if movedFinal[id] {
			m.folded[e.base], l.final[id] = id, e.base
			delete(movedFinal, id)
		}
	}
}

// look finds out what a name leads to.
func (l *listing) look(base string) error {
	s, err := statusAt(int(l.m.directory.fd.Fd()), base)
	if err == nil {
		l.there[base] = s
	} else if !errors.Is(err, unix.ENOENT) {
		l.unsure = true
	}
	return err
}

// leadsElsewhere tells whether it is certain that a name no longer leads to a file. To take one for gone of which this
// can't be known, and then for new, would add it twice.
func (l *listing) leadsElsewhere(base string, id identity) bool {
	if _, listed := l.there[base]; !listed { // gone, or beyond the limit of entries
		if err := l.look(base); err != nil {
			return errors.Is(err, unix.ENOENT)
		}
	}
	return l.there[base].identity != id
}

// open opens what is there and not known.
func (l *listing) open(entries []entry) {
	m := l.m
	open := m.open()
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
		if base, done := l.final[s.identity]; done {
			if base != e.base {
				l.leaveOut(e.base, leftOut(reasonDuplicate, "it is the same file as %s", base))
			}
			continue
		}
		if open >= m.options.Limits.Files {
			l.beyond = append(l.beyond, e.base) // perhaps there is room later in this reading
			continue
		}
		f, err := l.openOne(e)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r := reasonOf(err)
			l.unsure = l.unsure || r == reasonUnreadable || r == reasonOwner
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

// tellBeyond says of the files that are beyond the limit, when all that can be read was, that they are.
func (m *Merger) tellBeyond() {
	more := 0
	for _, base := range m.beyond {
		if m.leftOut[base] == "" {
			m.leftOut[base] = reasonLimit
		}
		if !m.told[base] {
			more++
		}
	}
	if more > 0 {
		m.log.Warn("files are left out: too many are open", "files", len(m.beyond), "limit", m.options.Limits.Files)
		m.metrics.filesSkipped.WithLabelValues(string(reasonLimit)).Add(float64(more))
	}
	if len(m.beyond)+len(m.told) > 0 {
		m.told = map[string]bool{}
		for _, base := range m.beyond {
			m.told[base] = true
		}
	}
}

// trusts refuses files of other users: whoever may write to the directory could make up counts. Root reads for anybody.
func (m *Merger) trusts(s status) error {
	user := os.Geteuid()
	if user == 0 || int(s.owner) == user || s.owner == m.directory.owner {
		return nil
	}
	return leftOut(reasonOwner, "it belongs to user %d: run this as the same user as the workers, who is now %d", s.owner, user)
}
