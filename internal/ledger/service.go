package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// sequenceEvery is how long an entry waits for its place in the tree at most, but for a busy writer.
	sequenceEvery = 500 * time.Millisecond

	// sequenceBatch bounds one pass, so that the writer isn't held for long.
	sequenceBatch = 500

	// MaxWait is when an entry without a place becomes an alarm.
	MaxWait = 10 * time.Second
)

// Deps are what the ledger needs.
type Deps struct {
	DB    *db.DB
	Clock clock.Clock
	// KeyFile holds the signing key and, below it, the verifier key; mode 0600. New makes it at the first start.
	KeyFile string
	// Origin names the log in its checkpoints when the key is made: a name of the city's own without spaces or plus, such
	// as "safety.example.org/ledger". A random name if empty.
	Origin string
	// MayRead is asked before entries are listed: access, which stands above the ledger. Checkpoints and proofs are
	// hashes and are public.
	MayRead func(ctx context.Context) error
	Log     *slog.Logger
}

// Service sequences, signs, proves and lists. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	clock   clock.Clock
	signer  note.Signer
	key     string
	mayRead func(ctx context.Context) error
	log     *slog.Logger
}

// New loads the signing key, or makes one for a ledger that has none, and sequences what a crash left over. It refuses a
// key other than the one the ledger has been signed with.
func New(ctx context.Context, d Deps) (*Service, error) {
	var h head
	if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		h, err = readHead(tx)
		return err
	}); err != nil {
		return nil, err
	}
	signer, key, err := readKey(d.KeyFile)
	if errors.Is(err, fs.ErrNotExist) && h.key == "" {
		if err := makeKey(d.KeyFile, d.Origin); err != nil {
			return nil, err
		}
		signer, key, err = readKey(d.KeyFile)
	}
	if err != nil {
		if h.key != "" && errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w; this ledger is signed with %s: restore that file from its backup", err, h.key)
		}
		return nil, err
	}
	if h.key != "" && h.key != key {
		return nil, fmt.Errorf("the ledger is signed with %s, but %s holds %s", h.key, d.KeyFile, key)
	}
	s := &Service{db: d.DB, clock: d.Clock, signer: signer, key: key, mayRead: d.MayRead, log: d.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	if h.key == "" { // a checkpoint of the empty tree, so that there is one from the first moment
		if _, err := s.pass(ctx); err != nil {
			return nil, err
		}
	}
	return s, s.Sequence(ctx)
}

// VerifierKey is the public key with the log's name: what a verifier needs besides files.
func (s *Service) VerifierKey() string { return s.key }

// Run sequences twice a second until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.clock.After(sequenceEvery):
		}
		// What fails is tried again: the entries wait in the table, and Health speaks up when they wait too long.
		if err := s.Sequence(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "ledger not sequenced", "err", err)
		}
	}
}

// Sequence gives every committed entry its place and signs the tree.
func (s *Service) Sequence(ctx context.Context) error {
	for {
		var n int64
		err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
			n, _, err = waiting(tx)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		// What another sequencer placed meanwhile is no longer ours to wait for.
		if placed, err := s.pass(ctx); err != nil || placed == 0 {
			return err
		}
	}
}

// pass sequences one batch: indices, nodes, size and checkpoint in one transaction.
func (s *Service) pass(ctx context.Context) (n int, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		h, err := lockHead(tx)
		if err != nil {
			return err
		}
		if h.key != "" && h.key != s.key { // another process was first with a key of its own
			return fmt.Errorf("the ledger is signed with %s, this process has %s", h.key, s.key)
		}
		leaves, err := place(tx, h.size, sequenceBatch)
		if err != nil {
			return err
		}
		if n = len(leaves); n == 0 && h.key != "" {
			return nil
		}
		slices.SortFunc(leaves, func(a, b Leaf) int { return int(a.Index - b.Index) })
		tree, err := resume(tx, h.size)
		if err != nil {
			return err
		}
		for _, l := range leaves {
			if l.Index != tree.size {
				return fmt.Errorf("ledger entry with id %d got index %d, expected %d", l.ID, l.Index, tree.size)
			}
			for _, node := range tree.add(hashOf(l.Leaf)) {
				if err := putNode(tx, node); err != nil {
					return fmt.Errorf("store tree nodes: %w", err)
				}
			}
		}
		c := checkpoint{s.signer.Name(), tree.size, tree.root()}
		msg, err := c.sign(s.signer)
		if err != nil {
			return err
		}
		if err := putHead(tx, head{tree.size, s.key}); err != nil {
			return fmt.Errorf("store the tree's size: %w", err)
		}
		if err := putCheckpoint(tx, s.clock.Now().Unix()/3600, tree.size, msg); err != nil {
			return fmt.Errorf("store the checkpoint: %w", err)
		}
		return nil
	})
	return n, err
}

// Health says what is wrong: an entry that has waited for its place longer than MaxWait.
func (s *Service) Health(ctx context.Context) error {
	var n, oldest int64
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		n, oldest, err = waiting(tx)
		return err
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	if wait := s.clock.Now().Sub(db.Time(oldest)); wait > MaxWait {
		return fmt.Errorf("%d ledger entries have no place in the tree, the oldest for %s", n, wait.Round(time.Second))
	}
	return nil
}

// Checkpoint is the newest signed checkpoint.
func (s *Service) Checkpoint(ctx context.Context) (string, error) {
	var msg string
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		msg, err = lastCheckpoint(tx)
		return err
	})
	return msg, err
}

// Proof is a C2SP tlog-proof that the entry at index is in the tree of the newest checkpoint: text that can be verified
// offline against the verifier key.
func (s *Service) Proof(ctx context.Context, index int64) (string, error) {
	var b strings.Builder
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		h, msg, err := headAndCheckpoint(tx)
		if err != nil {
			return err
		}
		if index < 0 || index >= h.size {
			return web.Errorf(404, "ledger.no_entry", "the ledger has entries 0 to %d, not %d", h.size-1, index).At("index")
		}
		proof, err := tlog.ProveRecord(h.size, index, hashes(tx))
		if err != nil {
			return fmt.Errorf("prove ledger entry %d: %w", index, err)
		}
		fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, index)
		for _, h := range proof {
			b.WriteString(h.String() + "\n")
		}
		b.WriteString("\n" + msg)
		return nil
	})
	return b.String(), err
}

// Consistency proves that the tree of the newest checkpoint extends the tree of the given size: one hash a line (RFC 6962
// §2.1.2), an empty line, the checkpoint.
func (s *Service) Consistency(ctx context.Context, from int64) (string, error) {
	var b strings.Builder
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		h, msg, err := headAndCheckpoint(tx)
		if err != nil {
			return err
		}
		if from < 1 || from > h.size {
			return web.Errorf(404, "ledger.no_size", "the tree has sizes 1 to %d, not %d", h.size, from).At("from")
		}
		proof, err := tlog.ProveTree(h.size, from, hashes(tx))
		if err != nil {
			return fmt.Errorf("prove the ledger's growth from %d: %w", from, err)
		}
		for _, h := range proof {
			b.WriteString(h.String() + "\n")
		}
		b.WriteString("\n" + msg)
		return nil
	})
	return b.String(), err
}

func headAndCheckpoint(tx *db.Tx) (head, string, error) {
	h, err := readHead(tx)
	if err != nil {
		return h, "", err
	}
	msg, err := lastCheckpoint(tx)
	return h, msg, err
}

const proofHeader = "c2sp.org/tlog-proof@v1"

// CheckProof verifies a text of Service.Proof: that the leaf hash of (salt, record) stands in the log that key signs. It
// returns the index.
func CheckProof(text, key string, salt, record []byte) (int64, error) {
	v, err := ParseKey(key)
	if err != nil {
		return 0, err
	}
	front, msg, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(front, "\n")
	if !ok || lines[0] != proofHeader || len(lines) < 2 || !strings.HasPrefix(lines[1], "index ") {
		return 0, errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("tlog-proof: %w", err)
	}
	var proof tlog.RecordProof
	for _, l := range lines[2:] {
		h, err := tlog.ParseHash(l)
		if err != nil {
			return 0, fmt.Errorf("tlog-proof: %w", err)
		}
		proof = append(proof, h)
	}
	c, err := openCheckpoint([]byte(msg), v)
	if err != nil {
		return 0, err
	}
	leaf := leafOf(salt, record)
	if err := tlog.CheckRecord(proof, c.size, c.root, index, hashOf(leaf[:])); err != nil {
		return 0, fmt.Errorf("entry %d: %w", index, err)
	}
	return index, nil
}

// erasedLeaf is the member of an entry's detail that names the leaf it erased, in base64.
const erasedLeaf = "erased_leaf"

// Erase removes the salt and the record of the entry with the given id, in the transaction of the decision to do so, which
// by records. The leaf stays, and with it every proof; by says which leaf it was, so that nothing is erased in silence.
func Erase(tx *db.Tx, id int64, by Entry) error {
	var leaf []byte
	err := tx.QueryRow(`update ledger_leaves set salt = null, record = null, subject = '', subject_id = 0
		where id = $1 and record is not null returning leaf`, id).Scan(&leaf)
	if err != nil {
		return fmt.Errorf("erase ledger entry with id %d: %w", id, err)
	}
	by.Detail = maps.Clone(by.Detail)
	if by.Detail == nil {
		by.Detail = map[string]any{}
	}
	by.Detail[erasedLeaf] = leaf
	return Append(tx, by)
}
