package forgetfs

import (
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

const pageSize = 4096

// Names says when a created, renamed or removed name is durable.
type Names int

const (
	// Strict makes a name durable by fsync of its directory only: what POSIX promises.
	Strict Names = iota
	// WithFile also lets fsync of a file commit that file's own name and those of the directories above it, and no
	// other: the least that ext4, XFS and Btrfs promise.
	WithFile
)

func (n Names) String() string { return [...]string{"strict", "with-file"}[n] }

// Loss counts what a power cut took away.
type Loss struct {
	Names int // directory operations that were not durable
	Files int // files, still reachable, with writes that were not durable
	Pages int // 4 KiB pages of those files
}

// tree is the file system without its mount: nodes in two states, now and kept.
type tree struct {
	names Names

	mu      sync.Mutex
	root    *node            // guarded by mu, as all below and every node
	pending []nameChange     // directory operations not yet durable, in the order in which they happened
	known   map[uint64]*node // nodes the kernel holds a reference to, by inode number
	nextIno uint64
}

// node is one file or directory.
type node struct {
	ino        uint64
	mode       uint32 // type and permissions, as in stat
	uid, gid   uint32
	mtime      time.Time
	parent     *node  // where it has its name now; nil without one. There are no hard links, so one at most
	references uint64 // the kernel's, see tree.known

	now, kept content // a file's bytes

	entries, keptEntries map[string]*node // a directory's names
}

// content is a file's bytes as pages; nil is a page of zeros. A page that stands in both states of a node is never
// written to: it is copied first. So two states differ exactly where their pointers differ.
type content struct {
	size  int64
	pages []*page
}

type page [pageSize]byte

// nameChange is one directory operation: one entry set or, for a rename, one removed and one set.
type nameChange []entryChange

// entryChange points a name at a node, or removes it when to is nil.
type entryChange struct {
	dir  *node
	name string
	to   *node
}

func newTree(names Names) *tree {
	t := &tree{names: names, nextIno: 1}
	t.root = t.newNode(syscall.S_IFDIR|0o755, 0, 0)
	t.known = map[uint64]*node{t.root.ino: t.root}
	return t
}

func (t *tree) newNode(mode, uid, gid uint32) *node {
	n := &node{ino: t.nextIno, mode: mode, uid: uid, gid: gid, mtime: time.Now()}
	t.nextIno++
	if n.isDir() {
		n.entries = map[string]*node{}
		n.keptEntries = map[string]*node{}
	}
	return n
}

func (n *node) isDir() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

// change makes a directory operation visible now; it becomes durable with syncNames.
func (t *tree) change(c nameChange) {
	for _, e := range c {
		if old := e.dir.entries[e.name]; old != nil {
			old.parent = nil
		}
		if e.to == nil {
			delete(e.dir.entries, e.name)
		} else {
			e.dir.entries[e.name] = e.to
			e.to.parent = e.dir
		}
		e.dir.mtime = time.Now()
	}
	t.pending = append(t.pending, c)
}

// syncFile makes a file's bytes durable.
func (t *tree) syncFile(n *node) {
	n.kept.size = n.now.size
	n.kept.pages = append(n.kept.pages[:0], n.now.pages...)
	if t.names == WithFile {
		for ; n != nil; n = n.parent {
			t.syncNames(func(e entryChange) bool { return e.to == n })
		}
	}
}

// syncDir makes a directory's names durable.
func (t *tree) syncDir(dir *node) {
	t.syncNames(func(e entryChange) bool { return e.dir == dir })
}

// syncNames makes the chosen operations durable, and with them every operation on the same names, so that what is kept
// of a name's history is never out of order, and never half of a rename.
func (t *tree) syncNames(chosen func(entryChange) bool) {
	type name struct {
		dir  *node
		name string
	}
	group := map[name]bool{}
	in := func(e entryChange) bool { return chosen(e) || group[name{e.dir, e.name}] }
	for before := -1; before < len(group); {
		before = len(group)
		for _, c := range t.pending {
			if !slices.ContainsFunc(c, in) {
				continue
			}
			for _, e := range c {
				group[name{e.dir, e.name}] = true
			}
		}
	}
	t.pending = slices.DeleteFunc(t.pending, func(c nameChange) bool {
		if !slices.ContainsFunc(c, in) {
			return false
		}
		c.keep()
		return true
	})
}

func (c nameChange) keep() {
	for _, e := range c {
		if e.to == nil {
			delete(e.dir.keptEntries, e.name)
		} else {
			e.dir.keptEntries[e.name] = e.to
		}
	}
}

// powerCut leaves what is durable. With torn it also leaves some of the rest, by chance.
func (t *tree) powerCut(torn *rand.Rand) Loss {
	var loss Loss
	kept := 0
	if torn != nil {
		kept = torn.IntN(len(t.pending) + 1)
	}
	for _, c := range t.pending[:kept] {
		c.keep()
	}
	loss.Names = len(t.pending) - kept
	t.pending = nil
	t.known = map[uint64]*node{t.root.ino: t.root}

	t.root.restore(torn, &loss)
	return loss
}

// restore takes a node, and all that is reachable from it, back to its durable state.
func (n *node) restore(torn *rand.Rand, loss *Loss) {
	n.references = 0
	if !n.isDir() {
		n.forget(torn, loss)
		return
	}
	n.entries = map[string]*node{}
	for _, name := range sortedNames(n.keptEntries) { // sorted, so that the same seed tears the same pages
		n.entries[name] = n.keptEntries[name]
		n.entries[name].parent = n
		n.entries[name].restore(torn, loss)
	}
}

// forget takes a file back to its durable bytes.
func (n *node) forget(torn *rand.Rand, loss *Loss) {
	after := content{size: n.kept.size, pages: slices.Clone(n.kept.pages)}
	if torn != nil && n.now.size != n.kept.size {
		switch low, high := min(n.now.size, n.kept.size), max(n.now.size, n.kept.size); torn.IntN(3) {
		case 0:
			after.size = n.now.size
		case 1:
			after.size = low + torn.Int64N(high-low+1)
		}
	}
	changed := n.now.size != n.kept.size
	for i := range max(len(n.now.pages), len(n.kept.pages)) {
		if n.now.page(i) == n.kept.page(i) {
			continue
		}
		changed = true
		if torn != nil && torn.IntN(2) == 0 {
			after.setPage(i, n.now.page(i))
		} else {
			loss.Pages++
		}
	}
	if changed {
		loss.Files++
	}
	n.kept = content{}
	n.now = content{size: int64(len(after.pages)) * pageSize, pages: after.pages}
	n.truncate(after.size) // cuts pages off and clears what stands behind the end in the last one
	n.kept = content{size: n.now.size, pages: slices.Clone(n.now.pages)}
}

func (c *content) page(i int) *page {
	if i >= len(c.pages) {
		return nil
	}
	return c.pages[i]
}

func (c *content) setPage(i int, p *page) {
	for len(c.pages) <= i {
		c.pages = append(c.pages, nil)
	}
	c.pages[i] = p
}

// own returns page i of the present state, safe to write to.
func (n *node) own(i int) *page {
	p := n.now.page(i)
	switch {
	case p == nil:
		p = new(page)
	case p == n.kept.page(i):
		p = new(*p)
	default:
		return p
	}
	n.now.setPage(i, p)
	return p
}

func (n *node) write(off int64, data []byte) {
	n.now.size = max(n.now.size, off+int64(len(data)))
	for len(data) > 0 {
		p := n.own(int(off / pageSize))
		k := copy(p[off%pageSize:], data)
		data, off = data[k:], off+int64(k)
	}
	n.mtime = time.Now()
}

// read fills buf from off and returns how much there was before the end.
func (n *node) read(off int64, buf []byte) int {
	if off >= n.now.size {
		return 0
	}
	buf = buf[:min(int64(len(buf)), n.now.size-off)]
	for done := 0; done < len(buf); {
		at := off + int64(done)
		part := buf[done:min(len(buf), done+pageSize-int(at%pageSize))]
		if p := n.now.page(int(at / pageSize)); p != nil {
			copy(part, p[at%pageSize:])
		} else {
			clear(part)
		}
		done += len(part)
	}
	return len(buf)
}

func (n *node) truncate(size int64) {
	if size < n.now.size {
		n.now.pages = n.now.pages[:min(int64(len(n.now.pages)), (size+pageSize-1)/pageSize)]
		if last := int(size / pageSize); size%pageSize != 0 && n.now.page(last) != nil {
			clear(n.own(last)[size%pageSize:])
		}
	}
	n.now.size = size
	n.mtime = time.Now()
}

func sortedNames(entries map[string]*node) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
