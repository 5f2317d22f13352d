package access

import (
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// account is a person's access.
type account struct {
	id           int64
	name         string
	organisation int64
	roles        []string
	password     string // PHC string; "" as long as none was set
	epoch        int64
	disabled     bool
	demo         bool
	createdAt    time.Time
}

func (a *account) actor() Actor {
	return Actor{Kind: KindAccount, ID: a.id, Name: a.name, Organisation: a.organisation, Roles: a.roles}
}

// token is a device's access.
type token struct {
	id           int64
	name         string
	hash         [sha256.Size]byte
	source       string
	prefixes     []string
	may          []string
	organisation int64
	createdAt    time.Time
	revokedAt    time.Time     // zero as long as it is good
	usedAt       *atomic.Int64 // microseconds, to the hour; shared by the copies of one process
}

func (t *token) actor() Actor {
	return Actor{Kind: KindDevice, ID: t.id, Name: t.name, Organisation: t.organisation, source: t.source, prefixes: t.prefixes, may: t.may}
}

// session is a signed-in browser.
type session struct {
	token     [sha256.Size]byte
	account   int64
	epoch     int64
	startedAt time.Time
	seenAt    time.Time
}

// nameKey is a name as it is compared: two names that a reader can't tell apart by case or width are one.
func nameKey(name string) string { return strings.ToLower(norm.NFKC.String(name)) }

func validName(name string) bool {
	n := utf8.RuneCountInString(name)
	return n >= 2 && n <= 64 && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._@", r)
	})
}

func generation(tx *db.Tx) (int64, error) {
	var n int64
	if err := tx.QueryRow(`select n from access_generation where one = 1`).Scan(&n); err != nil {
		return 0, fmt.Errorf("read access generation: %w", err)
	}
	return n, nil
}

// bump tells every process that accounts or tokens changed.
func bump(tx *db.Tx) error {
	if _, err := tx.Exec(`update access_generation set n = n + 1 where one = 1`); err != nil {
		return fmt.Errorf("raise access generation: %w", err)
	}
	return nil
}

func allAccounts(tx *db.Tx) ([]*account, error) {
	var as []*account
	err := tx.Each(func(rows *sql.Rows) error {
		a := &account{}
		var rolesJSON string
		var disabled, demo, created int64
		if err := rows.Scan(&a.id, &a.name, &a.organisation, &rolesJSON, &a.password, &a.epoch, &disabled, &demo, &created); err != nil {
			return err
		}
		a.disabled, a.demo, a.createdAt = disabled == 1, demo == 1, db.Time(created)
		as = append(as, a)
		return json.Unmarshal([]byte(rolesJSON), &a.roles)
	}, `select id, name, organisation, roles, password, epoch, disabled, demo, created_at
		from access_accounts order by id nulls first`)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return as, nil
}

// putAccount inserts an account without an id and gives it one.
func putAccount(tx *db.Tx, a *account) error {
	rolesJSON, err := json.Marshal(a.roles)
	if err != nil {
		return err
	}
	err = tx.QueryRow(`insert into access_accounts (name, name_key, organisation, roles, password, epoch, disabled, demo, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
		a.name, nameKey(a.name), a.organisation, string(rolesJSON), a.password, a.epoch, flag(a.disabled), flag(a.demo), db.Micros(a.createdAt)).Scan(&a.id)
	if err != nil {
		return fmt.Errorf("store account %s: %w", a.name, err)
	}
	return bump(tx)
}

// changeAccount stores what can change of an account.
func changeAccount(tx *db.Tx, a *account) error {
	rolesJSON, err := json.Marshal(a.roles)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`update access_accounts set organisation = $2, roles = $3, password = $4, epoch = $5, disabled = $6 where id = $1`,
		a.id, a.organisation, string(rolesJSON), a.password, a.epoch, flag(a.disabled))
	if err != nil {
		return fmt.Errorf("store account %s: %w", a.name, err)
	}
	return bump(tx)
}

func allTokens(tx *db.Tx) ([]*token, error) {
	var ts []*token
	err := tx.Each(func(rows *sql.Rows) error {
		t := &token{usedAt: new(atomic.Int64)}
		var hash []byte
		var prefixes, may string
		var created, used, revoked int64
		if err := rows.Scan(&t.id, &t.name, &hash, &t.source, &prefixes, &may, &t.organisation, &created, &used, &revoked); err != nil {
			return err
		}
		if len(hash) != sha256.Size {
			return fmt.Errorf("token %d has a hash of %d bytes", t.id, len(hash))
		}
		t.hash, t.createdAt = [sha256.Size]byte(hash), db.Time(created)
		t.usedAt.Store(used)
		if revoked != 0 {
			t.revokedAt = db.Time(revoked)
		}
		ts = append(ts, t)
		return errors.Join(json.Unmarshal([]byte(prefixes), &t.prefixes), json.Unmarshal([]byte(may), &t.may))
	}, `select id, name, hash, source, prefixes, may, organisation, created_at, used_at, revoked_at from access_tokens order by id nulls first`)
	if err != nil {
		return nil, fmt.Errorf("read device tokens: %w", err)
	}
	return ts, nil
}

func putToken(tx *db.Tx, t *token) error {
	prefixes, err := json.Marshal(append([]string{}, t.prefixes...))
	if err != nil {
		return err
	}
	may, err := json.Marshal(append([]string{}, t.may...))
	if err != nil {
		return err
	}
	err = tx.QueryRow(`insert into access_tokens (name, hash, source, prefixes, may, organisation, created_at, used_at, revoked_at)
		values ($1, $2, $3, $4, $5, $6, $7, 0, 0) returning id`,
		t.name, t.hash[:], t.source, string(prefixes), string(may), t.organisation, db.Micros(t.createdAt)).Scan(&t.id)
	if err != nil {
		return fmt.Errorf("store device token %s: %w", t.name, err)
	}
	return bump(tx)
}

func revokeToken(tx *db.Tx, id int64, at time.Time) error {
	res, err := tx.Exec(`update access_tokens set revoked_at = $2 where id = $1 and revoked_at = 0`, id, db.Micros(at))
	if err != nil {
		return fmt.Errorf("revoke device token %d: %w", id, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("revoke device token %d: %w", id, cmpErr(err, db.ErrNotFound))
	}
	return bump(tx)
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func putSession(tx *db.Tx, s session) error {
	_, err := tx.Exec(`insert into access_sessions (token, account, epoch, started_at, seen_at) values ($1, $2, $3, $4, $5)`,
		s.token[:], s.account, s.epoch, db.Micros(s.startedAt), db.Micros(s.seenAt))
	if err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	return nil
}

func findSession(tx *db.Tx, token [sha256.Size]byte) (session, error) {
	s := session{token: token}
	var started, seen int64
	err := tx.QueryRow(`select account, epoch, started_at, seen_at from access_sessions where token = $1`, token[:]).
		Scan(&s.account, &s.epoch, &started, &seen)
	s.startedAt, s.seenAt = db.Time(started), db.Time(seen)
	return s, err
}

func endSession(tx *db.Tx, token [sha256.Size]byte) error {
	if _, err := tx.Exec(`delete from access_sessions where token = $1`, token[:]); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

func endSessionsOf(tx *db.Tx, account int64) error {
	if _, err := tx.Exec(`delete from access_sessions where account = $1`, account); err != nil {
		return fmt.Errorf("end sessions of account %d: %w", account, err)
	}
	return nil
}

// sweep removes sessions and links that can't be used any more.
func sweep(tx *db.Tx, now time.Time) error {
	if _, err := tx.Exec(`delete from access_sessions where started_at < $1 or seen_at < $2`,
		db.Micros(now.Add(-MaxSession)), db.Micros(now.Add(-MaxIdle))); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	if _, err := tx.Exec(`delete from access_links where expires_at < $1`, db.Micros(now)); err != nil {
		return fmt.Errorf("sweep links: %w", err)
	}
	return nil
}

// putLink stores a new link for the account in place of any older one.
func putLink(tx *db.Tx, token [sha256.Size]byte, account int64, expires time.Time) error {
	if _, err := tx.Exec(`delete from access_links where account = $1`, account); err != nil {
		return fmt.Errorf("store link: %w", err)
	}
	if _, err := tx.Exec(`insert into access_links (token, account, expires_at) values ($1, $2, $3)`,
		token[:], account, db.Micros(expires)); err != nil {
		return fmt.Errorf("store link: %w", err)
	}
	return nil
}

// findLink gives the account of a link that is still good, or db.ErrNotFound.
func findLink(tx *db.Tx, token [sha256.Size]byte, now time.Time) (account int64, err error) {
	err = tx.QueryRow(`select account from access_links where token = $1 and expires_at > $2`, token[:], db.Micros(now)).Scan(&account)
	return account, err
}

// useLink is findLink that removes the link: of two who use it at once only one gets it.
func useLink(tx *db.Tx, token [sha256.Size]byte, now time.Time) (account int64, err error) {
	err = tx.QueryRow(`delete from access_links where token = $1 and expires_at > $2 returning account`, token[:], db.Micros(now)).Scan(&account)
	return account, err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of access.
func Migrations() db.Migrations {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return db.Migrations{Room: "access", Files: sub}
}
