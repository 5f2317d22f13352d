package vault

import (
	"context"
	"crypto/hpke"
	"errors"
	"fmt"
	"os"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Deps are what the vault needs.
type Deps struct {
	DB     *db.DB
	Clock  clock.Clock
	Access access.Decider
	// KeyFile holds the private key, mode 0600. New makes it at the first start, and never again.
	KeyFile string
}

// Service opens and erases what Seal put away. It is safe for concurrent use.
type Service struct {
	db     *db.DB
	clock  clock.Clock
	access access.Decider
	key    hpke.PrivateKey
}

// New loads the key, or makes one for a vault that has none yet. A vault whose key file is missing is refused, since a new
// key would lock away what is sealed to the old one.
func New(ctx context.Context, d Deps) (*Service, error) {
	s := &Service{db: d.DB, clock: d.Clock, access: d.Access}
	b, err := os.ReadFile(d.KeyFile)
	switch {
	case err == nil:
		s.key, err = kem().NewPrivateKey(b)
		if err != nil {
			return nil, fmt.Errorf("vault key %s: %w", d.KeyFile, err)
		}
	case errors.Is(err, os.ErrNotExist):
		if s.key, err = kem().GenerateKey(); err != nil {
			return nil, fmt.Errorf("make a vault key: %w", err)
		}
		b, err := s.key.Bytes()
		if err != nil {
			return nil, fmt.Errorf("make a vault key: %w", err)
		}
		if err := os.WriteFile(d.KeyFile, b, 0o600); err != nil {
			return nil, fmt.Errorf("write the vault key: %w", err)
		}
	default:
		return nil, fmt.Errorf("vault key: %w", err)
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into vault_key (one, public_key) values (1, $1) on conflict (one) do nothing`, s.key.PublicKey().Bytes())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("publish the vault key: %w", err)
	}
	return s, nil
}

// Open returns what was sealed for the report or case that r names. It asks access for the action vault.open on r, and
// writes who opened what, for which purpose, to the ledger before it answers.
func (s *Service) Open(ctx context.Context, r access.Resource, p access.Purpose) (map[string]string, error) {
	if err := s.access.Decide(ctx, "vault.open", r, p); err != nil {
		return nil, err
	}
	owner := Ref{r.Type, r.ID}
	actor := access.From(ctx)
	var wrapped, sealed []byte
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`select wrapped_key, sealed from vault_items where owner_type = $1 and owner_id = $2`,
			owner.Type, owner.ID).Scan(&wrapped, &sealed)
		if err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "vault.open", Actor: actor.Name, ActorID: actor.ID, Subject: owner.Type, SubjectID: owner.ID,
			At: s.clock.Now(), Detail: map[string]any{"purpose": string(p)},
		})
	})
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
