package forgetfs

import (
	"bytes"
	"math/rand/v2"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// TestContentAgainstPlainBytes holds the paged, shared content against the plainest model there is: one byte slice for
// what is seen now, one for what was last synced.
func TestContentAgainstPlainBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTree(Strict)
		n := tr.newNode(syscall.S_IFREG|0o644, 0, 0)
		tr.change(nameChange{{tr.root, "a", n}})
		tr.syncDir(tr.root)
		var now, kept []byte
		resize := func(size int) {
			for len(now) < size {
				now = append(now, 0)
			}
			now = now[:size]
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				off := rapid.IntRange(0, 5*pageSize).Draw(t, "off")
				data := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, 2*pageSize).Draw(t, "len"))
				n.write(int64(off), data)
				if end := off + len(data); end > len(now) {
					resize(end)
				}
				copy(now[off:], data)
			},
			"truncate": func(t *rapid.T) {
				size := rapid.IntRange(0, 6*pageSize).Draw(t, "size")
				n.truncate(int64(size))
				resize(size)
			},
			"sync": func(*rapid.T) {
				tr.syncFile(n)
				kept = bytes.Clone(now)
			},
			"cut": func(*rapid.T) {
				tr.powerCut(nil)
				now = bytes.Clone(kept)
			},
			"": func(t *rapid.T) {
				got := make([]byte, 12*pageSize)
				if got = got[:n.read(0, got)]; !bytes.Equal(got, now) {
					t.Fatalf("%d bytes differ from the model's %d", len(got), len(now))
				}
			},
		})
	})
}

// TestTornCut: each page is the old or the new one, whole; both happen; the same seed gives the same bytes.
func TestTornCut(t *testing.T) {
	const pages = 64
	cut := func(seed uint64) []byte {
		tr := newTree(Strict)
		n := tr.newNode(syscall.S_IFREG|0o644, 0, 0)
		tr.change(nameChange{{tr.root, "a", n}})
		tr.syncDir(tr.root)
		n.write(0, bytes.Repeat([]byte("o"), pages*pageSize))
		tr.syncFile(n)
		n.write(0, bytes.Repeat([]byte("n"), pages*pageSize))
		loss := tr.powerCut(rand.New(rand.NewPCG(seed, 0)))
		got := make([]byte, pages*pageSize)
		if k := n.read(0, got); k != len(got) {
			t.Fatalf("size %d, want %d: it was synced", k, len(got))
		}
		old := 0
		for i := range pages {
			p := got[i*pageSize : (i+1)*pageSize]
			switch {
			case bytes.Equal(p, bytes.Repeat([]byte("o"), pageSize)):
				old++
			case !bytes.Equal(p, bytes.Repeat([]byte("n"), pageSize)):
				t.Fatalf("page %d is neither old nor new", i)
			}
		}
		if old == 0 || old == pages || loss.Pages != old || loss.Files != 1 {
			t.Fatalf("%d of %d pages old, counted %+v", old, pages, loss)
		}
		return got
	}
	if !bytes.Equal(cut(1), cut(1)) {
		t.Error("the same seed tears differently")
	}
	if bytes.Equal(cut(1), cut(2)) {
		t.Error("another seed tears the same")
	}
}

// TestTornNamesKeepAPrefix: of a chain of renames one state remains that once was, never a mixture.
func TestTornNamesKeepAPrefix(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(64) {
		tr := newTree(Strict)
		n := tr.newNode(syscall.S_IFREG|0o644, 0, 0)
		tr.change(nameChange{{tr.root, "a", n}})
		tr.syncDir(tr.root)
		tr.change(nameChange{{tr.root, "a", nil}, {tr.root, "b", n}})
		tr.change(nameChange{{tr.root, "b", nil}, {tr.root, "c", n}})
		loss := tr.powerCut(rand.New(rand.NewPCG(seed, 0)))
		names := sortedNames(tr.root.entries)
		if len(names) != 1 || int("c"[0]-names[0][0]) != loss.Names {
			t.Fatalf("names %v, lost %d", names, loss.Names)
		}
		seen[names[0]] = true
	}
	if len(seen) != 3 {
		t.Errorf("64 seeds left only %v", seen)
	}
}
