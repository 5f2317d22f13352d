package vault

import (
	"bytes"
	"context"
	"crypto/hpke"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// eraseEvery is how long past its time something may stay.
	eraseEvery = time.Minute

	// eraseBatch bounds one transaction of erasures.
	eraseBatch = 100
)

// Deps are what the vault needs.
type Deps struct {
	DB     *db.DB
	Clock  clock.Clock
	Access access.Decider
	// KeyFile holds the private key, mode 0600. New makes it at the first start, and never again. Keep its backup apart
	// from the database's.
	KeyFile string
	Log     *slog.Logger
}

// Service opens and erases what Seal put away. It is safe for concurrent use.
type Service struct {
	db     *db.DB
	clock  clock.Clock
	access access.Decider
	key    hpke.PrivateKey
	log    *slog.Logger
}

// New loads the key, or makes one for a vault that has none yet. A vault whose key file is missing or belongs to another
// is refused: a new key would lock away what is sealed to the old one.
func New(ctx context.Context, d Deps) (*Service, error) {
	s := &Service{db: d.DB, clock: d.Clock, access: d.Access, log: d.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	var public []byte
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`select public_key from vault_key where one = 1`).Scan(&public)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the vault's key: %w", err)
	}
	s.key, err = readKey(d.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if public != nil {
			return nil, fmt.Errorf("the vault's key file %s is missing: restore it from its backup, without it what is sealed can't be opened", d.KeyFile)
		}
		s.key, err = makeKey(d.KeyFile)
	}
	if err != nil {
		return nil, err
	}
	own := s.key.PublicKey().Bytes()
	if public != nil && !bytes.Equal(public, own) {
		return nil, fmt.Errorf("%s is not the key that this vault seals to", d.KeyFile)
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into vault_key (one, public_key) values (1, $1) on conflict (one) do nothing`, own)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("publish the vault's key: %w", err)
	}
	return s, s.Health(ctx) // another process may have been first
}

func readKey(file string) (hpke.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("vault key: %w", err)
	}
	key, err := kem().NewPrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("vault key %s: %w", file, err)
	}
	return key, nil
}

func makeKey(file string) (hpke.PrivateKey, error) {
	key, err := kem().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("make a vault key: %w", err)
	}
	b, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("make a vault key: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write the vault key: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return nil, fmt.Errorf("write the vault key: %w", err)
	}
	// What is sealed next could never be opened if a power cut took the key.
	if err := f.Sync(); err != nil {
		return nil, fmt.Errorf("write the vault key: %w", err)
	}
	return key, f.Close()
}

// Open returns what was sealed for the report or case that r names. It asks access for the action vault.open on r, and
// writes who opened what, for which purpose, to the ledger before it answers.
func (s *Service) Open(ctx context.Context, r access.Resource, p access.Purpose) (map[string]string, error) {
	if err := s.access.Decide(ctx, "vault.open", r, p); err != nil {
		return nil, err
	}
	owner := Ref{r.Type, r.ID}
	actor := access.From(ctx)
	name := actor.Name
	if name == "" {
		name = actor.Kind.String()
	}
	var wrapped, sealed []byte
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`select wrapped_key, sealed from vault_items where owner_type = $1 and owner_id = $2`,
			owner.Type, owner.ID).Scan(&wrapped, &sealed)
		if err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "vault.open", Actor: name, ActorID: actor.ID, Subject: owner.Type, SubjectID: owner.ID,
			At: s.clock.Now(), Detail: map[string]any{"purpose": string(p)},
		})
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, web.Errorf(http.StatusNotFound, "vault.nothing", "nothing is kept about a person for %s: it was erased, or never given", owner)
	}
	if err != nil {
		return nil, fmt.Errorf("open the vault of %s: %w", owner, err)
	}
	key, err := hpke.Open(s.key, kdf(), aead(), owner.bytes("key"), wrapped)
	if err != nil {
		return nil, fmt.Errorf("open the vault of %s: %w", owner, err)
	}
	data, err := decrypt(owner, key, sealed)
	if err != nil {
		return nil, fmt.Errorf("open the vault of %s: %w", owner, err)
	}
	return data, nil
}

// Run erases what is due, once a minute, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		if err := s.eraseDue(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "vault not erased", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.clock.After(eraseEvery):
		}
	}
}

// eraseDue erases everything whose time has come, each with its entry in the ledger.
func (s *Service) eraseDue(ctx context.Context) error {
	now := s.clock.Now()
	for {
		var due []Ref
		err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
			due, err = dueBy(tx, now)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		err = s.db.Write(ctx, func(tx *db.Tx) error {
			due, err := dueBy(tx, now) // as it is now: one may have been reopened meanwhile
			if err != nil {
				return err
			}
			for _, owner := range due {
				err := Erase(tx, owner, ledger.Entry{
					Action: "vault.erase", Actor: "vault", Subject: owner.Type, SubjectID: owner.ID,
					At: now, Detail: map[string]any{"reason": "the time to keep it is over"},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func dueBy(tx *db.Tx, now time.Time) ([]Ref, error) {
	var due []Ref
	err := tx.Each(func(rows *sql.Rows) error {
		var r Ref
		err := rows.Scan(&r.Type, &r.ID)
		due = append(due, r)
		return err
	}, `select owner_type, owner_id from vault_items where erase_at is not null and erase_at <= $1
		order by erase_at nulls first, owner_type nulls first, owner_id nulls first limit $2`, db.Micros(now), eraseBatch)
	if err != nil {
		return nil, fmt.Errorf("find what is due in the vault: %w", err)
	}
	return due, nil
}

// Health says what is wrong: something is kept past its time, or contents are being sealed to a key that is not ours.
func (s *Service) Health(ctx context.Context) error {
	return s.db.Read(ctx, func(tx *db.Tx) error {
		public, err := publicKey(tx)
		if err != nil {
			return err
		}
		if !bytes.Equal(public.Bytes(), s.key.PublicKey().Bytes()) {
			return errors.New("the vault seals to a key that is not its own: someone changed the database")
		}
		due, err := dueBy(tx, s.clock.Now().Add(-10*eraseEvery))
		if err == nil && len(due) > 0 {
			err = fmt.Errorf("the vault keeps %s past its time", due[0])
		}
		return err
	})
}
