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
	var l *listing
	for range 2 { // once more if a file was missed that may have been renamed just then
		if l, err = m.lookAround(); err != nil {
			m.directory.listed = time.Time{}
			return err
		}
		if l.compare(); len(l.missed) == 0 {
			break
		}
	}
	for _, base := range l.misnamed {
		l.leaveOut(base, leftOut(reasonName, "it is not named as the client names its files"))
	}
	l.open()
	m.leftOut, m.beyond = l.leftOut, l.beyond
	if l.unsure || len(l.missed) > 0 {
		m.directory.listed = time.Time{} // what changes next may not show in the directory's modification time
	}
	return nil
}

// listing is one comparison of the files known with those that are there.
type listing struct {
	contents
	m       *Merger
	there   map[string]status
	present map[identity]bool
	known   map[identity]*file
	final   map[identity]string // the names of the files that are folded
	leftOut map[string]reason
	missed  map[identity]bool // not found, nor by the listing before
	beyond  []string          // left out because of the limit
	unsure  bool              // something could not be known or opened, which may be otherwise next time
}

// lookAround lists the directory and finds out which files its names lead to.
func (m *Merger) lookAround() (*listing, error) {
	found, err := m.directory.entries(m.options.Limits.Entries)
	if err != nil {
		return nil, err
	}
	l := &listing{
		contents: found, m: m, there: make(map[string]status, len(found.files)), present: make(map[identity]bool, len(found.files)),
		final: make(map[identity]string, len(m.folded)), missed: map[identity]bool{}, leftOut: map[string]reason{},
	}
	for _, e := range found.files {
		if l.look(e.base) == nil {
			l.present[l.there[e.base].identity] = true
		}
	}
	return l, nil
}

// isGone tells whether a file that was not found is gone: it was not found the time before either. A hook may have renamed
// it between the listing of the names and the look at what they lead to; a later listing has its other name. To take it for
// gone, and then for new, would add it twice.
func (l *listing) isGone(id identity) bool {
	if l.m.missed[id] {
		return true
	}
	l.missed[id] = true
	return false
}

// deleted tells whether it is certain that the file has no name any more.
func (f *file) deleted() bool {
	if f.fd == nil {
		return false
	}
	s, err := statusOf(int(f.fd.Fd()))
	return err == nil && s.links == 0
}

func (l *listing) leaveOut(base string, err error) {
	r := reasonOf(err)
	if l.m.leftOut[base] != r {
		l.m.left(base, r, err)
	}
	l.leftOut[base] = r
}

// compare marks the files that are gone. What has another name now is the same file: a hook renames the files of a dead
// worker.
func (l *listing) compare() {
	l.compareFiles()
	l.compareFinal()
	if l.complete && !l.unsure {
		for id, g := range l.m.ghosts {
			if !l.present[id] && l.isGone(id) {
				l.m.dispel(id, g)
			}
		}
	}
	l.m.missed = l.missed
}

func (l *listing) compareFiles() {
	l.known = make(map[identity]*file, len(l.m.files))
	moved := map[identity]*file{}
	for _, f := range l.m.files {
		l.known[f.id] = f
		if !f.gone && l.leadsElsewhere(f.base, f.id) {
			moved[f.id] = f
		}
	}
	for _, e := range l.files {
		if f := moved[l.there[e.base].identity]; f != nil && f.class == e.class {
			f.base, f.fileName = e.base, e.fileName
			delete(moved, f.id)
		}
	}
	for id, f := range moved {
		// One that has a name somewhere was perhaps renamed once more, as long as the directory changes.
		f.gone = f.deleted() || l.complete && l.isGone(id) && (f.fd == nil || l.m.directory.quiet())
	}
}

func (l *listing) compareFinal() {
	m := l.m
	moved := map[identity]string{}
	for base, id := range m.folded {
		l.final[id] = base
		if l.leadsElsewhere(base, id) {
			moved[id] = base
		}
	}
	for _, e := range l.files {
		id := l.there[e.base].identity
		if base, has := moved[id]; has {
			delete(m.folded, base)
			m.folded[e.base], l.final[id] = id, e.base
			delete(moved, id)
		}
	}
	for id, base := range moved {
		if l.complete && l.isGone(id) && m.directory.quiet() {
			delete(m.folded, base) // what it counted stays
			delete(l.final, id)
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

// leadsElsewhere tells whether it is certain that a name no longer leads to a file.
func (l *listing) leadsElsewhere(base string, id identity) bool {
	if _, listed := l.there[base]; !listed { // gone, or beyond the limit of entries
		if err := l.look(base); err != nil {
			return errors.Is(err, unix.ENOENT)
		}
	}
	return l.there[base].identity != id
}

// open opens what is there and not known.
func (l *listing) open() {
	m := l.m
	open := m.open()
	for _, e := range l.files {
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
		if l.known[f.id] != nil || l.final[f.id] != "" { // what the name led to was exchanged meanwhile
			f.close()
			l.unsure = true
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
