package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// DefaultKeep is how long contents are kept after their report or case was closed.
const DefaultKeep = 90 * 24 * time.Hour

// MaxData bounds the contents of one owner in bytes.
const MaxData = 64 << 10

// block is the step in which lengths show.
const block = 512

// Ref names the one report or case that the contents belong to.
type Ref struct {
	Type string // "report", "case"
	ID   int64
}

// ErrNoKey says that no vault.New has run on this database yet, so there is no public key to seal to.
var ErrNoKey = errors.New("the vault has no key yet")

// Seal puts data away for owner in the transaction of the owner's own change, in place of what was sealed for it before.
// The contents are erased once eraseAfter has passed since Close; DefaultKeep if it is 0. An erasure that is already due
// stays so: what comes in late about a closed report is not kept for ever.
func Seal(tx *db.Tx, owner Ref, data map[string]string, eraseAfter time.Duration) error {
	if owner.Type == "" || owner.ID == 0 {
		return fmt.Errorf("seal: %q %d is no owner", owner.Type, owner.ID)
	}
	if eraseAfter < 0 {
		return fmt.Errorf("seal for %s: keep for %s", owner, eraseAfter)
	}
	if eraseAfter == 0 {
		eraseAfter = DefaultKeep
	}
	public, err := publicKey(tx)
	if err != nil {
		return fmt.Errorf("seal for %s: %w", owner, err)
	}
	key, sealed, err := encrypt(owner, data)
	if err != nil {
		return fmt.Errorf("seal for %s: %w", owner, err)
	}
	wrapped, err := hpke.Seal(public, kdf(), aead(), owner.bytes("key"), key)
	if err != nil {
		return fmt.Errorf("seal for %s: %w", owner, err)
	}
	_, err = tx.Exec(`insert into vault_items (owner_type, owner_id, wrapped_key, sealed, keep_for, erase_at)
		values ($1, $2, $3, $4, $5, null)
		on conflict (owner_type, owner_id) do update
		set wrapped_key = excluded.wrapped_key, sealed = excluded.sealed, keep_for = excluded.keep_for`,
		owner.Type, owner.ID, wrapped, sealed, eraseAfter.Microseconds())
	if err != nil {
		return fmt.Errorf("seal for %s: %w", owner, err)
	}
	return nil
}

// Close starts the time to the erasure: owner was closed at the given time. Nothing happens where nothing is sealed.
func Close(tx *db.Tx, owner Ref, at time.Time) error {
	_, err := tx.Exec(`update vault_items set erase_at = $3 + keep_for where owner_type = $1 and owner_id = $2`,
		owner.Type, owner.ID, db.Micros(at))
	if err != nil {
		return fmt.Errorf("start the erasure of %s: %w", owner, err)
	}
	return nil
}

// Reopen stops the time to the erasure, since owner is being worked on again.
func Reopen(tx *db.Tx, owner Ref) error {
	_, err := tx.Exec(`update vault_items set erase_at = null where owner_type = $1 and owner_id = $2`, owner.Type, owner.ID)
	if err != nil {
		return fmt.Errorf("stop the erasure of %s: %w", owner, err)
	}
	return nil
}

// Erase deletes what is sealed for owner before its time, in the transaction of the decision to do so, which by records.
// Nothing is recorded where nothing is sealed.
func Erase(tx *db.Tx, owner Ref, by ledger.Entry) error {
	res, err := tx.Exec(`delete from vault_items where owner_type = $1 and owner_id = $2`, owner.Type, owner.ID)
	if err != nil {
		return fmt.Errorf("erase %s: %w", owner, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return ledger.Append(tx, by)
}

// String is "report 7".
func (r Ref) String() string { return r.Type + " " + strconv.FormatInt(r.ID, 10) }

// bytes binds a ciphertext to its owner and its part, so that rows can't be swapped.
func (r Ref) bytes(part string) []byte {
	return []byte("anlan vault 1 " + part + "\x00" + r.Type + "\x00" + strconv.FormatInt(r.ID, 10))
}

func publicKey(tx *db.Tx) (hpke.PublicKey, error) {
	var b []byte
	err := tx.QueryRow(`select public_key from vault_key where one = 1`).Scan(&b)
	if errors.Is(err, db.ErrNotFound) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, err
	}
	return kem().NewPublicKey(b)
}

// The suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
func kem() hpke.KEM   { return hpke.DHKEM(ecdh.X25519()) }
func kdf() hpke.KDF   { return hpke.HKDFSHA256() }
func aead() hpke.AEAD { return hpke.AES256GCM() }

// encrypt returns a fresh data key and data under it: AES-256-GCM with a random nonce in front, over the length, the JSON
// and zeros up to a whole block.
func encrypt(owner Ref, data map[string]string) (key, sealed []byte, err error) {
	text, err := json.Marshal(data)
	if err != nil {
		return nil, nil, err
	}
	if len(text) > MaxData {
		return nil, nil, fmt.Errorf("%d bytes, more than %d", len(text), MaxData)
	}
	plain := make([]byte, (4+len(text)+block-1)/block*block)
	binary.BigEndian.PutUint32(plain, uint32(len(text)))
	copy(plain[4:], text)

	key = make([]byte, 32)
	rand.Read(key)
	gcm, err := newGCM(key)
	if err != nil {
		return nil, nil, err
	}
	return key, gcm.Seal(nil, nil, plain, owner.bytes("data")), nil
}

func decrypt(owner Ref, key, sealed []byte) (map[string]string, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nil, sealed, owner.bytes("data"))
	if err != nil {
		return nil, err
	}
	if len(plain) < 4 {
		return nil, errors.New("too short")
	}
	n := binary.BigEndian.Uint32(plain)
	if uint64(n) > uint64(len(plain)-4) {
		return nil, errors.New("wrong length inside")
	}
	var data map[string]string
	if err := json.Unmarshal(plain[4:4+n], &data); err != nil {
		return nil, err
	}
	return data, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(c)
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the vault's tables.
func Migrations() db.Migrations {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return db.Migrations{Room: "vault", Files: sub}
}
