package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// Report is what a successful verification found.
type Report struct {
	Origin string
	Size   int64 // entries under the checkpoint
	Root   tlog.Hash
	Erased int64 // of those, entries whose salt and record were erased
	// Waiting counts entries that the checkpoint doesn't cover yet; their leaves were checked, the tree can't be.
	Waiting int64
	// Extends lists the sizes of the earlier checkpoints that the tree was proven to extend.
	Extends []int64
}

// String is the report for a terminal.
func (r Report) String() string {
	s := fmt.Sprintf("ledger %s: %d entries verified, %d of them erased, root %s", r.Origin, r.Size, r.Erased, r.Root)
	if n := len(r.Extends); n > 0 {
		s += fmt.Sprintf(", extends %d earlier checkpoints", n)
	}
	if r.Waiting > 0 {
		s += fmt.Sprintf("; %d newer entries wait for the next checkpoint", r.Waiting)
	}
	return s
}

// BrokenError says which entries are not what was signed: From to To, both included. They are the same where one entry is
// known to be wrong, and a range where only the tree around them shows it.
type BrokenError struct {
	From, To int64
	Reason   string
}

// Error names the entries.
func (e *BrokenError) Error() string {
	if e.From == e.To {
		return fmt.Sprintf("ledger entry %d: %s", e.From, e.Reason)
	}
	return fmt.Sprintf("ledger entries %d to %d: %s", e.From, e.To, e.Reason)
}

func broken(index int64, format string, args ...any) error {
	return &BrokenError{index, index, fmt.Sprintf(format, args...)}
}

// verifier takes the entries in order and compares with everything that was signed.
type verifier struct {
	report Report
	tree   growing
	// marks are the checkpoints still ahead, by size; good is the size of the last one that held.
	marks []checkpoint
	good  int64
	// erased are the indices of erased entries by their leaf; declared the leaves that an entry says were erased.
	erased   map[[leafSize]byte]int64
	declared map[[leafSize]byte]bool
}

// newVerifier checks the signatures: newest is the checkpoint to verify against, others are earlier ones of the same log.
func newVerifier(v note.Verifier, newest []byte, others [][]byte) (*verifier, error) {
	c, err := openCheckpoint(newest, v)
	if err != nil {
		return nil, err
	}
	w := &verifier{
		report: Report{Origin: c.origin, Size: c.size, Root: c.root},
		erased: map[[leafSize]byte]int64{}, declared: map[[leafSize]byte]bool{},
	}
	for _, msg := range others {
		o, err := openCheckpoint(msg, v)
		if err != nil {
			return nil, fmt.Errorf("earlier checkpoint: %w", err)
		}
		if o.size > c.size {
			return nil, fmt.Errorf("an earlier checkpoint covers %d entries, the newest only %d: the log was cut off", o.size, c.size)
		}
		w.marks = append(w.marks, o)
		w.report.Extends = append(w.report.Extends, o.size)
	}
	w.marks = append(w.marks, c)
	slices.SortStableFunc(w.marks, func(a, b checkpoint) int { return int(a.size - b.size) })
	slices.Sort(w.report.Extends)
	return w, w.compare()
}

// add takes the next entry and returns the nodes that it completes.
func (w *verifier) add(l Leaf) ([]node, error) {
	if l.Index != w.tree.size {
		return nil, broken(w.tree.size, "missing")
	}
	if err := checkLeaf(l); err != nil {
		return nil, err
	}
	if l.Record == nil {
		w.report.Erased++
		w.erased[[leafSize]byte(l.Leaf)] = l.Index
	}
	w.declare(l)
	nodes := w.tree.add(hashOf(l.Leaf))
	return nodes, w.compare()
}

// declare notes which erasure an entry records.
func (w *verifier) declare(l Leaf) {
	if !bytes.Contains(l.Record, []byte(erasedLeaf)) {
		return
	}
	var r struct {
		Detail map[string]any `json:"detail"`
	}
	if json.Unmarshal(l.Record, &r) != nil {
		return
	}
	text, _ := r.Detail[erasedLeaf].(string)
	if leaf, err := base64.StdEncoding.DecodeString(text); err == nil && len(leaf) == leafSize {
		w.declared[[leafSize]byte(leaf)] = true
	}
}

// compare holds the tree against each checkpoint of its size.
func (w *verifier) compare() error {
	for len(w.marks) > 0 && w.marks[0].size == w.tree.size {
		if root := w.tree.root(); root != w.marks[0].root {
			if w.tree.size == w.good { // an earlier checkpoint of the same size held
				return fmt.Errorf("two signed checkpoints over %d entries have different roots: the log's key signed a fork", w.good)
			}
			return &BrokenError{w.good, w.tree.size - 1, fmt.Sprintf("the tree has root %s, the checkpoint over %d entries was signed with %s",
				root, w.tree.size, w.marks[0].root)}
		}
		w.good = w.tree.size
		w.marks = w.marks[1:]
	}
	return nil
}

// finish says whether the entries reach as far as the checkpoint, and whether each erasure has an entry that records it.
func (w *verifier) finish() error {
	if w.tree.size < w.report.Size {
		return broken(w.tree.size, "missing; the checkpoint covers %d entries", w.report.Size)
	}
	first := int64(-1)
	for leaf, index := range w.erased {
		if !w.declared[leaf] && (first < 0 || index < first) {
			first = index
		}
	}
	if first >= 0 {
		return broken(first, "erased, but no entry says so (an export made in the very second of an erasure shows this once)")
	}
	return nil
}

// checkLeaf recomputes the leaf from salt and record.
func checkLeaf(l Leaf) error {
	switch {
	case len(l.Leaf) != leafSize:
		return broken(l.Index, "the leaf has %d bytes, not %d", len(l.Leaf), leafSize)
	case (l.Record == nil) != (l.Salt == nil):
		return broken(l.Index, "salt and record are erased together or not at all")
	case l.Record == nil:
		return nil
	case len(l.Salt) != saltSize:
		return broken(l.Index, "the salt has %d bytes, not %d", len(l.Salt), saltSize)
	}
	if leaf := leafOf(l.Salt, l.Record); !bytes.Equal(leaf[:], l.Leaf) {
		return broken(l.Index, "the record does not match its leaf")
	}
	return nil
}

// Verify checks an exported ledger. It needs the folder and the verifier key, nothing else: it recomputes every leaf and
// the tree, holds the tree against every checkpoint in the folder and against those in earlier, which the caller kept from
// before, and holds the tiles against the leaves. The error is a *BrokenError where entries are wrong.
func Verify(dir, key string, earlier ...[]byte) (Report, error) {
	v, err := ParseKey(key)
	if err != nil {
		return Report{}, err
	}
	newest, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		return Report{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	history, err := readHistory(filepath.Join(dir, historyFile))
	if err != nil {
		return Report{}, err
	}
	w, err := newVerifier(v, newest, append(history, earlier...))
	if err != nil {
		return Report{}, err
	}
	f, err := os.Open(filepath.Join(dir, leavesFile))
	if err != nil {
		return Report{}, fmt.Errorf("read the entries: %w", err)
	}
	defer f.Close()
	t := newTiles(func(name string, data []byte) error {
		return compareTile(filepath.Join(dir, filepath.FromSlash(name)), data)
	})
	err = eachLine(f, func(n int64, line []byte) error {
		if n >= w.report.Size {
			return fmt.Errorf("line %d of %s: more entries than the checkpoint's %d", n+1, leavesFile, w.report.Size)
		}
		l, err := parseLine(line)
		if err != nil {
			return broken(n, "line %d of %s: %v", n+1, leavesFile, err)
		}
		if _, err := w.add(l); err != nil {
			return err
		}
		return t.add(l.Leaf)
	})
	if err != nil {
		return w.report, err
	}
	if err := w.finish(); err != nil {
		return w.report, err
	}
	return w.report, t.flush()
}

func compareTile(file string, want []byte) error {
	got, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read tile: %w", err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("tile %s does not match the entries", file)
	}
	return nil
}

// readHistory reads the earlier checkpoints of an export. Each line is one note as a JSON string.
func readHistory(file string) ([][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the earlier checkpoints: %w", err)
	}
	defer f.Close()
	var notes [][]byte
	err = eachLine(f, func(n int64, line []byte) error {
		var s string
		if err := json.Unmarshal(line, &s); err != nil {
			return fmt.Errorf("line %d of %s: %w", n+1, historyFile, err)
		}
		notes = append(notes, []byte(s))
		return nil
	})
	return notes, err
}

// maxLine is longer than any line that Export writes: the files may come from anyone.
const maxLine = 2 * MaxRecord

// eachLine calls fn for each line, which must end in a newline. The line is only good during the call.
func eachLine(r io.Reader, fn func(n int64, line []byte) error) error {
	b := bufio.NewReaderSize(r, maxLine)
	for n := int64(0); ; n++ {
		line, err := b.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("line %d is cut off", n+1)
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("line %d is longer than any entry", n+1)
		case err != nil:
			return err
		}
		if err := fn(n, line[:len(line)-1]); err != nil {
			return err
		}
	}
}

// storePage is how many entries are read from a live store at once: well under db.MaxRead.
const storePage = 5000

// VerifyStore is Verify over a live store, which may be one opened read-only beside a running server. Besides what Verify
// does it checks the stored nodes of the tree, and that what an entry can be found by is what its record says.
func VerifyStore(ctx context.Context, d *db.DB, key string, earlier ...[]byte) (Report, error) {
	v, err := ParseKey(key)
	if err != nil {
		return Report{}, err
	}
	var h head
	var notes []string
	var beyond int64
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		if h, err = readHead(tx); err != nil {
			return err
		}
		if notes, err = allCheckpoints(tx); err != nil {
			return err
		}
		return tx.QueryRow(`select count(*) from ledger_leaves where idx >= $1 or idx < 0`, h.size).Scan(&beyond)
	})
	if err != nil {
		return Report{}, fmt.Errorf("read the ledger: %w", err)
	}
	if len(notes) == 0 {
		return Report{}, errors.New("the ledger has no checkpoint")
	}
	for _, n := range notes[:len(notes)-1] {
		earlier = append(earlier, []byte(n))
	}
	w, err := newVerifier(v, []byte(notes[len(notes)-1]), earlier)
	if err != nil {
		return Report{}, err
	}
	if h.size != w.report.Size || beyond > 0 {
		return w.report, fmt.Errorf("the tree has %d entries and %d beyond, the checkpoint %d", h.size, beyond, w.report.Size)
	}
	for from := int64(0); from < h.size; from += storePage {
		to := min(from+storePage, h.size)
		var leaves []stored
		var nodes map[int64]tlog.Hash
		err := d.Read(ctx, func(tx *db.Tx) (err error) {
			if leaves, err = leavesBetween(tx, from, to); err != nil {
				return err
			}
			nodes, err = nodesBetween(tx, tlog.StoredHashCount(from), tlog.StoredHashCount(to))
			return err
		})
		if err != nil {
			return w.report, err
		}
		for _, l := range leaves {
			done, err := w.add(l.Leaf)
			if err != nil {
				return w.report, err
			}
			if err := checkColumns(l); err != nil {
				return w.report, err
			}
			for _, n := range done {
				if nodes[n.pos()] != n.hash {
					return w.report, &BrokenError{n.n << n.level, l.Index, "a stored node of the tree does not match them"}
				}
			}
		}
	}
	// Read last: whatever was erased while the pages were read has its entry here.
	var newer []stored
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		newer, err = leavesAfter(tx, h.size)
		return err
	})
	if err != nil {
		return w.report, err
	}
	for _, l := range newer {
		if err := errors.Join(checkLeaf(l.Leaf), checkColumns(l)); err != nil {
			return w.report, fmt.Errorf("entry with id %d, newer than the checkpoint: %w", l.ID, err)
		}
		w.declare(l.Leaf)
	}
	w.report.Waiting = int64(len(newer))
	return w.report, w.finish()
}

// checkColumns holds the columns that a list is filtered by against the record.
func checkColumns(l stored) error {
	if l.Record == nil {
		if l.subject != "" || l.subjectID != 0 {
			return broken(l.Index, "erased, but still found under %s %d", l.subject, l.subjectID)
		}
		return nil
	}
	var r record
	if err := json.Unmarshal(l.Record, &r); err != nil {
		return broken(l.Index, "the record is not JSON: %v", err)
	}
	if r.Subject != l.subject || r.SubjectID != l.subjectID || r.At != db.Time(l.appendedAt).Format(timeFormat) {
		return broken(l.Index, "found under %s %d at %s, but its record says %s %d at %s",
			l.subject, l.subjectID, db.Time(l.appendedAt).Format(timeFormat), r.Subject, r.SubjectID, r.At)
	}
	return nil
}

// parseLine reads a line of the leaves file and refuses every spelling but the one that Export writes: a line has no
// byte that could be changed without being noticed.
func parseLine(line []byte) (Leaf, error) {
	var x exportedLeaf
	if err := json.Unmarshal(line, &x); err != nil {
		return Leaf{}, err
	}
	l := Leaf{Index: x.Index, Leaf: x.Leaf, Salt: x.Salt, Record: x.Record}
	again, err := l.line()
	if err != nil {
		return Leaf{}, err
	}
	if !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), line) {
		return Leaf{}, errors.New("not as written by the export")
	}
	return l, nil
}

// Earlier reads checkpoint files that were kept from before, for the earlier argument of Verify and VerifyStore.
func Earlier(files ...string) ([][]byte, error) {
	var notes [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("earlier checkpoint: %w", err)
		}
		if err != nil {
			return nil, fmt.Errorf("earlier checkpoint %s: %w", f, err)
		}
		if !strings.Contains(string(b), "\n\n") {
			return nil, fmt.Errorf("earlier checkpoint %s: not a signed note", f)
		}
		notes = append(notes, b)
	}
	return notes, nil
}
