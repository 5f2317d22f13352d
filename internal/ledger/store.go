package ledger

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// Leaf is an entry as it stands in the log.
type Leaf struct {
	ID int64
	// Index is the place in the tree, -1 as long as the sequencer has not passed.
	Index int64
	// Leaf is SHA-256(Salt ‖ Record).
	Leaf []byte
	// Salt and Record are nil once the entry was erased.
	Salt   []byte
	Record json.RawMessage
}

// stored is a leaf with the columns that repeat its record.
type stored struct {
	Leaf
	appendedAt int64
	subject    string
	subjectID  int64
}

const leafColumns = `id, idx, appended_at, subject, subject_id, leaf, salt, record`

func scanLeaf(rows *sql.Rows) (stored, error) {
	var l stored
	var idx sql.NullInt64
	var rec sql.NullString
	if err := rows.Scan(&l.ID, &idx, &l.appendedAt, &l.subject, &l.subjectID, &l.Leaf.Leaf, &l.Salt, &rec); err != nil {
		return l, err
	}
	l.Index = -1
	if idx.Valid {
		l.Index = idx.Int64
	}
	if rec.Valid {
		l.Record = json.RawMessage(rec.String)
	}
	return l, nil
}

func leavesBetween(tx *db.Tx, from, to int64) ([]stored, error) {
	var ls []stored
	err := tx.Each(func(rows *sql.Rows) error {
		l, err := scanLeaf(rows)
		ls = append(ls, l)
		return err
	}, `select `+leafColumns+` from ledger_leaves where idx >= $1 and idx < $2 order by idx nulls first, id nulls first`, from, to)
	if err != nil {
		return nil, fmt.Errorf("read ledger entries from %d: %w", from, err)
	}
	return ls, nil
}

// leavesAfter reads what a tree of the given size doesn't cover.
func leavesAfter(tx *db.Tx, size int64) ([]stored, error) {
	var ls []stored
	err := tx.Each(func(rows *sql.Rows) error {
		l, err := scanLeaf(rows)
		ls = append(ls, l)
		return err
	}, `select `+leafColumns+` from ledger_leaves where idx is null or idx >= $1 order by id nulls first`, size)
	if err != nil {
		return nil, fmt.Errorf("read the newest ledger entries: %w", err)
	}
	return ls, nil
}

// listed is one page of entries, newest first. subject "" is any; before 0 is from the newest.
func listed(tx *db.Tx, subject string, subjectID, before int64, limit int) ([]stored, error) {
	var ls []stored
	err := tx.Each(func(rows *sql.Rows) error {
		l, err := scanLeaf(rows)
		ls = append(ls, l)
		return err
	}, `select `+leafColumns+` from ledger_leaves
		where (cast($1 as TEXT) = '' or (subject = $1 and (cast($2 as bigint) = 0 or subject_id = $2)))
		and (cast($3 as bigint) = 0 or id < $3)
		order by id desc nulls last limit $4`, subject, subjectID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list ledger entries: %w", err)
	}
	return ls, nil
}

// Newest returns what the newest entry about a subject (subjectID 0: about any of that type) says in detail, and db.ErrNotFound where there is none or it was erased.
func Newest(tx *db.Tx, subject string, subjectID int64) (detail json.RawMessage, err error) {
	ls, err := listed(tx, subject, subjectID, 0, 1)
	if err != nil {
		return nil, err
	}
	if len(ls) == 0 || ls[0].Record == nil {
		return nil, db.ErrNotFound
	}
	var r struct {
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(ls[0].Record, &r); err != nil {
		return nil, fmt.Errorf("ledger entry %d: %w", ls[0].ID, err)
	}
	return r.Detail, nil
}

// head is the state of the tree.
type head struct {
	size int64
	key  string // the verifier key that the checkpoints bear, "" before the first
}

func readHead(tx *db.Tx) (head, error) {
	var h head
	if err := tx.QueryRow(`select size, verifier_key from ledger_tree where one = 1`).Scan(&h.size, &h.key); err != nil {
		return h, fmt.Errorf("read the ledger's tree: %w", err)
	}
	return h, nil
}

// lockHead is readHead for the one who is going to change the tree. Another process that is at it is waited for, and what
// it committed is then seen.
func lockHead(tx *db.Tx) (head, error) {
	var h head
	err := tx.QueryRow(`update ledger_tree set size = size where one = 1 returning size, verifier_key`).Scan(&h.size, &h.key)
	if err != nil {
		return h, fmt.Errorf("lock the ledger's tree: %w", err)
	}
	return h, nil
}

// place gives the next indices, from size on, to at most limit entries that have none, in the order of their ids. One
// statement picks and changes them, so an entry that commits meanwhile can't slip in between.
func place(tx *db.Tx, size int64, limit int) ([]Leaf, error) {
	ls := make([]Leaf, 0, limit)
	err := tx.Each(func(rows *sql.Rows) error {
		var l Leaf
		err := rows.Scan(&l.ID, &l.Index, &l.Leaf)
		ls = append(ls, l)
		return err
	}, `update ledger_leaves set idx = t.place from (
			select id as i, cast($1 as bigint) - 1 + row_number() over (order by id nulls first) as place
			from ledger_leaves where idx is null order by id nulls first limit $2
		) as t where ledger_leaves.id = t.i
		returning id, idx, leaf`, size, limit)
	if err != nil {
		return nil, fmt.Errorf("place ledger entries: %w", err)
	}
	return ls, nil
}

func putNode(tx *db.Tx, n node) error {
	_, err := tx.Exec(`insert into ledger_hashes (pos, hash) values ($1, $2)`, n.pos(), n.hash[:])
	return err
}

func putHead(tx *db.Tx, h head) error {
	_, err := tx.Exec(`update ledger_tree set size = $1, verifier_key = $2 where one = 1`, h.size, h.key)
	return err
}

func putCheckpoint(tx *db.Tx, hour, size int64, note string) error {
	_, err := tx.Exec(`insert into ledger_checkpoints (hour, size, note) values ($1, $2, $3)
		on conflict (hour) do update set size = excluded.size, note = excluded.note`, hour, size, note)
	return err
}

// lastCheckpoint goes by size, not by hour: a machine's clock can be set back.
func lastCheckpoint(tx *db.Tx) (string, error) {
	var note string
	err := tx.QueryRow(`select note from ledger_checkpoints order by size desc nulls last, hour desc nulls last limit 1`).Scan(&note)
	if err != nil {
		return "", fmt.Errorf("read the ledger's checkpoint: %w", err)
	}
	return note, nil
}

func allCheckpoints(tx *db.Tx) ([]string, error) {
	var notes []string
	err := tx.Each(func(rows *sql.Rows) error {
		var n string
		err := rows.Scan(&n)
		notes = append(notes, n)
		return err
	}, `select note from ledger_checkpoints order by size nulls first, hour nulls first`)
	if err != nil {
		return nil, fmt.Errorf("read the ledger's checkpoints: %w", err)
	}
	return notes, nil
}

// waiting counts the entries without an index and gives the time of the oldest in microseconds.
func waiting(tx *db.Tx) (n, oldest int64, err error) {
	err = tx.QueryRow(`select count(*), coalesce(min(appended_at), 0) from ledger_leaves where idx is null`).Scan(&n, &oldest)
	if err != nil {
		return 0, 0, fmt.Errorf("count unsequenced ledger entries: %w", err)
	}
	return n, oldest, nil
}

// nodesBetween reads the inner nodes at positions from..to-1.
func nodesBetween(tx *db.Tx, from, to int64) (map[int64]tlog.Hash, error) {
	m := map[int64]tlog.Hash{}
	err := tx.Each(func(rows *sql.Rows) error {
		var pos int64
		var b []byte
		if err := rows.Scan(&pos, &b); err != nil {
			return err
		}
		if len(b) != tlog.HashSize {
			return fmt.Errorf("node %d has %d bytes", pos, len(b))
		}
		m[pos] = tlog.Hash(b)
		return nil
	}, `select pos, hash from ledger_hashes where pos >= $1 and pos < $2`, from, to)
	if err != nil {
		return nil, fmt.Errorf("read tree nodes: %w", err)
	}
	return m, nil
}

// hashes reads the tree's hashes at the positions of tlog.StoredHashIndex: leaves from their rows, nodes from theirs.
func hashes(tx *db.Tx) tlog.HashReader {
	return tlog.HashReaderFunc(func(positions []int64) ([]tlog.Hash, error) {
		hs := make([]tlog.Hash, len(positions))
		for i, pos := range positions {
			level, n := tlog.SplitStoredHashIndex(pos)
			var b []byte
			if level == 0 {
				if err := tx.QueryRow(`select leaf from ledger_leaves where idx = $1`, n).Scan(&b); err != nil {
					return nil, fmt.Errorf("ledger entry %d: %w", n, err)
				}
				hs[i] = hashOf(b)
				continue
			}
			if err := tx.QueryRow(`select hash from ledger_hashes where pos = $1`, pos).Scan(&b); err != nil {
				return nil, fmt.Errorf("tree node %d of level %d: %w", n, level, err)
			}
			if len(b) != tlog.HashSize {
				return nil, fmt.Errorf("tree node %d of level %d has %d bytes", n, level, len(b))
			}
			hs[i] = tlog.Hash(b)
		}
		return hs, nil
	})
}

// resume restores the growing tree of the given size from its stored nodes.
func resume(tx *db.Tx, size int64) (growing, error) {
	g := growing{size: size}
	var positions []int64
	for rest, start := size, int64(0); rest > 0; {
		level := bits.Len64(uint64(rest)) - 1
		positions = append(positions, tlog.StoredHashIndex(level, start>>level))
		start += 1 << level
		rest -= 1 << level
	}
	var err error
	if g.roots, err = hashes(tx).ReadHashes(positions); err != nil {
		return g, fmt.Errorf("resume the ledger's tree at %d: %w", size, err)
	}
	return g, nil
}
