package metricrule

import (
	"crypto/sha256"
	"hash"
	"strconv"

	"go.yaml.in/yaml/v4"
)

const (
	// maxWritten bounds what is in a source once its aliases are written out, in bytes of [writer]. Without aliases a source that
	// says anything stays below it.
	maxWritten = 8 << 20
	// maxDepth is how deep values are looked into; fields are less deep. A value may be within itself.
	maxDepth = 20
	// maxPiece is how much of a scalar is written at once.
	maxPiece = 4 << 10
)

// wording is what a value says, without comments and layout, to compare it with another one. It is a sum, because behind aliases a value
// may be very large, and be there very often.
type wording [sha256.Size]byte

// writer writes values to take their sums. It is used for one after the other.
type writer struct {
	sum  hash.Hash
	buf  []byte
	size int // of the value that is written
	most int // where writing ends
}

// wordingOf returns the wording of a value and its size; beyond most it is not looked at.
func (w *writer) wordingOf(n *yaml.Node, most int) (wording, int) {
	if w.sum == nil {
		w.sum = sha256.New()
	}
	w.sum.Reset()
	w.size, w.most = 0, most
	w.node(n, 0)
	return wording(w.sum.Sum(nil)), w.size
}

func (w *writer) node(n *yaml.Node, depth int) {
	if w.size > w.most || depth > maxDepth {
		return
	}
	n = behindAlias(n)
	w.write(append(strconv.AppendUint(w.buf[:0], uint64(n.Kind), 10), n.ShortTag()...))
	rest := n.Value
	for {
		piece := rest[:min(len(rest), maxPiece)]
		w.write(strconv.AppendQuote(w.buf[:0], piece))
		if rest = rest[len(piece):]; rest == "" {
			break
		}
	}
	w.write(append(w.buf[:0], '('))
	for _, c := range n.Content {
		w.node(c, depth+1)
	}
	w.write(append(w.buf[:0], ')'))
}

// write takes what was written in the buffer, which may have become another one.
func (w *writer) write(text []byte) {
	w.sum.Write(text)
	w.size += len(text)
	w.buf = text
}
