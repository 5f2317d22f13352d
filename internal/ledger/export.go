package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// The files of an export. The checkpoint and the folder tile/ are as in C2SP tlog-tiles, so other programs can verify them
// too; what the entries say stands in the leaves.
const (
	checkpointFile = "checkpoint"
	historyFile    = "checkpoints.jsonl" // one earlier checkpoint note a line, as a JSON string, smallest first
	leavesFile     = "leaves.jsonl"      // one entry a line, in the order of the index
)

// exportedLeaf is a line of the leaves file. Record and salt are absent and erased is true for an erased entry.
type exportedLeaf struct {
	Index  int64           `json:"index"`
	Leaf   []byte          `json:"leaf"`
	Salt   []byte          `json:"salt,omitempty"`
	Record json.RawMessage `json:"record,omitempty"`
	Erased bool            `json:"erased,omitempty"`
}

// line writes a leaf by hand, since the record must come out byte by byte as it was hashed.
func (l Leaf) line() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"index":%d,"leaf":"%s"`, l.Index, base64.StdEncoding.EncodeToString(l.Leaf))
	if l.Record == nil {
		b.WriteString(`,"erased":true}` + "\n")
		return b.Bytes(), nil
	}
	if bytes.ContainsRune(l.Record, '\n') {
		return nil, errors.New("the record is not canonical JSON")
	}
	fmt.Fprintf(&b, `,"salt":"%s","record":`, base64.StdEncoding.EncodeToString(l.Salt))
	b.Write(l.Record)
	b.WriteString("}\n")
	return b.Bytes(), nil
}

// Export writes the ledger up to the newest checkpoint into the folder dir, which must be empty or not exist yet, as files
// that Verify takes. It does not check what it copies: that is Verify's work, on another machine.
func Export(ctx context.Context, d *db.DB, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	if have, err := os.ReadDir(dir); err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	} else if len(have) > 0 {
		return fmt.Errorf("export the ledger: folder %s is not empty", dir)
	}
	var notes []string
	var h head
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if h, err = readHead(tx); err != nil {
			return err
		}
		notes, err = allCheckpoints(tx)
		return err
	})
	if err != nil {
		return err
	}
	if len(notes) == 0 {
		return errors.New("export the ledger: it has no checkpoint")
	}
	if err := exportNotes(dir, notes); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, leavesFile))
	if err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	t := newTiles(func(name string, data []byte) error {
		return writeTile(filepath.Join(dir, filepath.FromSlash(name)), data)
	})
	for from := int64(0); from < h.size; from += storePage {
		var leaves []stored
		err := d.Read(ctx, func(tx *db.Tx) (err error) {
			leaves, err = leavesBetween(tx, from, min(from+storePage, h.size))
			return err
		})
		if err != nil {
			return err
		}
		for _, l := range leaves {
			line, err := l.line()
			if err != nil {
				return fmt.Errorf("export ledger entry %d: %w", l.Index, err)
			}
			if _, err := w.Write(line); err != nil {
				return fmt.Errorf("export the ledger: %w", err)
			}
			if err := t.add(l.Leaf.Leaf); err != nil {
				return err
			}
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	return f.Close()
}

func exportNotes(dir string, notes []string) error {
	var history bytes.Buffer
	for _, n := range notes[:len(notes)-1] {
		b, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("export the ledger: %w", err)
		}
		history.Write(append(b, '\n'))
	}
	if err := os.WriteFile(filepath.Join(dir, historyFile), history.Bytes(), 0o644); err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, checkpointFile), []byte(notes[len(notes)-1]), 0o644); err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	return nil
}

func writeTile(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("write tile: %w", err)
	}
	if err := os.WriteFile(file, data, fs.FileMode(0o644)); err != nil {
		return fmt.Errorf("write tile: %w", err)
	}
	return nil
}

const tileWidth = 256

// tiles cuts a growing log into the files of C2SP tlog-tiles and hands each to emit once it is full, and the partial ones
// at flush. A partial tile that later became full is not written.
type tiles struct {
	emit    func(name string, data []byte) error
	entries []byte
	// hashes[l] are the hashes of the unfinished tile of level l; count[l] how many hashes that level has had.
	hashes [][]tlog.Hash
	count  []int64
}

func newTiles(emit func(name string, data []byte) error) *tiles { return &tiles{emit: emit} }

func (t *tiles) add(leaf []byte) error {
	t.entries = binary.BigEndian.AppendUint16(t.entries, uint16(len(leaf)))
	t.entries = append(t.entries, leaf...)
	return t.push(0, hashOf(leaf))
}

func (t *tiles) push(level int, h tlog.Hash) error {
	if level == len(t.hashes) {
		t.hashes, t.count = append(t.hashes, nil), append(t.count, 0)
	}
	t.hashes[level] = append(t.hashes[level], h)
	t.count[level]++
	if len(t.hashes[level]) < tileWidth {
		return nil
	}
	if err := t.write(level); err != nil {
		return err
	}
	var sub growing
	for _, h := range t.hashes[level] {
		sub.add(h)
	}
	t.hashes[level] = t.hashes[level][:0]
	return t.push(level+1, sub.root())
}

// flush writes the partial tiles.
func (t *tiles) flush() error {
	for level := range t.hashes {
		if len(t.hashes[level]) == 0 {
			continue
		}
		if err := t.write(level); err != nil {
			return err
		}
	}
	return nil
}

func (t *tiles) write(level int) error {
	w := len(t.hashes[level])
	tile := tlog.Tile{H: 8, L: level, N: (t.count[level] - 1) / tileWidth, W: w}
	data := make([]byte, 0, w*tlog.HashSize)
	for _, h := range t.hashes[level] {
		data = append(data, h[:]...)
	}
	if err := t.emit(tilePath(tile), data); err != nil {
		return err
	}
	if level > 0 {
		return nil
	}
	tile.L = -1 // the entries themselves
	data, t.entries = t.entries, nil
	return t.emit(tilePath(tile), data)
}

// tilePath is tlog's path without the height, which C2SP fixes at 8, and with C2SP's name for the entries.
func tilePath(t tlog.Tile) string {
	level, rest, _ := strings.Cut(strings.TrimPrefix(t.Path(), "tile/8/"), "/")
	if level == "data" {
		level = "entries"
	}
	return "tile/" + level + "/" + rest
}
