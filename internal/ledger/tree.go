package ledger

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// node is an inner node of the tree: the root of 2^level leaves, the n-th such.
type node struct {
	level int
	n     int64
	hash  tlog.Hash
}

func (n node) pos() int64 { return tlog.StoredHashIndex(n.level, n.n) }

// growing is a tree that is built leaf by leaf, keeping only the roots of its complete subtrees, largest first.
type growing struct {
	size  int64
	roots []tlog.Hash
}

// add appends a leaf and returns the inner nodes that it completes, lowest first.
func (g *growing) add(leaf tlog.Hash) []node {
	var done []node
	h := leaf
	for level := 1; level <= bits.TrailingZeros64(uint64(g.size+1)); level++ {
		last := len(g.roots) - 1
		h = tlog.NodeHash(g.roots[last], h)
		g.roots = g.roots[:last]
		done = append(done, node{level, g.size >> level, h})
	}
	g.roots = append(g.roots, h)
	g.size++
	return done
}

// root is the tree's root hash as in RFC 6962.
func (g *growing) root() tlog.Hash {
	if len(g.roots) == 0 {
		h, _ := tlog.TreeHash(0, nil) // the hash of nothing, which can't fail
		return h
	}
	h := g.roots[len(g.roots)-1]
	for i := len(g.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(g.roots[i], h)
	}
	return h
}
