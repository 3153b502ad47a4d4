package instrument

import (
	"hash/maphash"
	"maps"
	"slices"
)

// index finds series by the hash of their label values. Those that share one, which hardly happens, are a list.
type index[M any] map[uint64]*entry[M]

// entry is one series. It is never changed once it is in an index.
type entry[M any] struct {
	values []string
	series M
	next   *entry[M]
}

var hashSeed = maphash.MakeSeed()

// hashOf tells the order of the values apart. Nobody outside can guess which values share a hash.
func hashOf(values []string) (hash uint64) {
	const prime = 1099511628211 // FNV's
	for _, v := range values {
		hash = hash*prime ^ maphash.String(hashSeed, v)
	}
	return hash
}

func (x index[M]) find(hash uint64, values []string) (series M, ok bool) {
	for e := x[hash]; e != nil; e = e.next {
		if slices.Equal(e.values, values) {
			return e.series, true
		}
	}
	return series, false
}

// add keeps the values.
func (x index[M]) add(hash uint64, values []string, series M) {
	x[hash] = &entry[M]{values, series, x[hash]}
}

func (x index[M]) remove(hash uint64, values []string) {
	list := x[hash]
	delete(x, hash)
	for e := list; e != nil; e = e.next {
		if !slices.Equal(e.values, values) {
			x.add(hash, e.values, e.series)
		}
	}
}

// with returns a copy that has the other's series, too.
func (x index[M]) with(other index[M]) index[M] {
	all := make(index[M], len(x)+len(other))
	maps.Copy(all, x)
	for hash, list := range other {
		for e := list; e != nil; e = e.next {
			all.add(hash, e.values, e.series)
		}
	}
	return all
}
