package warn

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// claim is what an alert says to a hazard.
type claim struct {
	alert    int64
	level    Level
	standing bool
	since    time.Time
	facts    events.AlertFacts
}

const claimColumns = "alert, level, standing, since, facts"

func (s *claim) targets() []any {
	return []any{&s.alert, &s.level, flag{&s.standing}, instant{&s.since}, asJSON{&s.facts}}
}

// flag scans 0 or 1.
type flag struct{ to *bool }

func (f flag) Scan(src any) error {
	n, ok := src.(int64)
	*f.to = n != 0
	if !ok {
		return fmt.Errorf("expected 0 or 1, found %T", src)
	}
	return nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// putClaim keeps what an alert says. It is fresh unless later news of it was taken before.
func putClaim(tx *db.Tx, event int64, hazard string, site int64, s claim) (fresh bool, err error) {
	facts, err := json.Marshal(s.facts)
	if err != nil {
		return false, err
	}
	done, err := tx.Exec(`insert into warning_claims (hazard, alert, event, site, level, standing, since, facts) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (hazard, alert) do update set event = excluded.event, level = excluded.level, standing = excluded.standing, facts = excluded.facts
		where warning_claims.event < excluded.event`,
		hazard, s.alert, event, site, string(s.level), bit(s.standing), db.Micros(s.since), string(facts))
	if err != nil {
		return false, fmt.Errorf("keep claim of alert %d for %s: %w", s.alert, hazard, err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// siteOf is where the sign of an alert was first put: an asset that moves to another district meanwhile doesn't take it along.
func siteOf(tx *db.Tx, hazard string, alert int64) (site int64, err error) {
	err = tx.QueryRow("select site from warning_claims where hazard = $1 and alert = $2", hazard, alert).Scan(&site)
	return site, err
}

// standingClaims are those of a hazard at a site, the first first.
func standingClaims(tx *db.Tx, hazard string, site int64) (out []claim, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var s claim
		err := rows.Scan(s.targets()...)
		out = append(out, s)
		return err
	}, "select "+claimColumns+" from warning_claims where hazard = $1 and site = $2 and standing = 1 order by since nulls last, id", hazard, site)
	return out, err
}

// claimOf is what an alert said last, whichever hazard listens.
func claimOf(tx *db.Tx, alert int64) (s claim, site int64, err error) {
	err = tx.QueryRow("select "+claimColumns+", site from warning_claims where alert = $1 order by id nulls last limit 1", alert).Scan(append(s.targets(), &site)...)
	return s, site, err
}

// sitesOf are the sites at which a hazard's claims stand, or that a warning answers.
func sitesOf(tx *db.Tx, hazard string, warning int64) (sites []int64, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var site int64
		err := rows.Scan(&site)
		sites = append(sites, site)
		return err
	}, `select distinct site from warning_claims where hazard = $1 and (standing = 1 or alert in (select alert from warning_causes where warning = $2))
		order by site nulls last`, hazard, warning)
	return sites, err
}

// link says that a warning answers alerts at a level.
func link(tx *db.Tx, warning int64, alerts []int64, level Level) error {
	for _, alert := range alerts {
		_, err := tx.Exec(`insert into warning_causes (warning, alert, level) values ($1, $2, $3)
			on conflict (warning, alert) do update set level = excluded.level`, warning, alert, string(level))
		if err != nil {
			return fmt.Errorf("link warning %d to alert %d: %w", warning, alert, err)
		}
	}
	return nil
}

// causesOf are the alerts that a warning answers.
func causesOf(tx *db.Tx, warning int64) (alerts []int64, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var alert int64
		err := rows.Scan(&alert)
		alerts = append(alerts, alert)
		return err
	}, "select alert from warning_causes where warning = $1 order by alert nulls last, id", warning)
	return alerts, err
}

// answers are the warnings that answer alerts of a hazard at a site, by warning the highest level that those had.
func answers(tx *db.Tx, hazard string, site int64) (map[int64]Level, error) {
	out := map[int64]Level{}
	err := tx.Each(func(rows *sql.Rows) error {
		var warning int64
		var level Level
		if err := rows.Scan(&warning, &level); err != nil {
			return err
		}
		if level.Rank() > out[warning].Rank() {
			out[warning] = level
		}
		return nil
	}, `select c.warning, c.level from warning_causes c join warning_claims s on s.alert = c.alert where s.hazard = $1 and s.site = $2
		order by c.id nulls last`, hazard, site)
	return out, err
}

// suggestion is one as it is stored.
type suggestion struct {
	id        int64
	hazard    string
	site      int64
	kind      SuggestionKind
	level     Level
	text      string
	state     SuggestionState
	warning   int64
	alerts    []int64
	at        time.Time
	changed   time.Time
	decidedBy string
	reason    string
}

const suggestionColumns = "id, hazard, site, kind, level, text, state, warning, alerts, at, changed, decided_by, reason"

func (x *suggestion) targets() []any {
	return []any{&x.id, &x.hazard, &x.site, &x.kind, &x.level, &x.text, &x.state, &x.warning, asJSON{&x.alerts}, instant{&x.at}, instant{&x.changed}, &x.decidedBy, &x.reason}
}

func (x *suggestion) listed() (string, error) {
	b, err := json.Marshal(x.alerts)
	return string(b), err
}

func insertSuggestion(tx *db.Tx, x *suggestion) error {
	alerts, err := x.listed()
	if err != nil {
		return err
	}
	return tx.QueryRow(`insert into warning_suggestions (hazard, site, kind, level, text, state, warning, alerts, at, changed, decided_by, reason)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id`,
		x.hazard, x.site, string(x.kind), string(x.level), x.text, string(x.state), x.warning, alerts, db.Micros(x.at), db.Micros(x.changed), x.decidedBy, x.reason).Scan(&x.id)
}

// updateSuggestion writes an open one anew, or settles it.
func updateSuggestion(tx *db.Tx, x *suggestion) error {
	alerts, err := x.listed()
	if err != nil {
		return err
	}
	return one(tx.Exec(`update warning_suggestions set level = $2, text = $3, state = $4, warning = $5, alerts = $6, changed = $7, decided_by = $8, reason = $9
		where id = $1 and state = 'open'`,
		x.id, string(x.level), x.text, string(x.state), x.warning, alerts, db.Micros(x.changed), x.decidedBy, x.reason))
}

// lastSuggestion is the newest for a hazard at a site; nil where there was none.
func lastSuggestion(tx *db.Tx, hazard string, site int64) (*suggestion, error) {
	var x suggestion
	err := tx.QueryRow("select "+suggestionColumns+" from warning_suggestions where hazard = $1 and site = $2 order by id desc nulls last limit 1", hazard, site).Scan(x.targets()...)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	return &x, err
}

func loadSuggestion(tx *db.Tx, id int64) (*suggestion, error) {
	var x suggestion
	err := tx.QueryRow("select "+suggestionColumns+" from warning_suggestions where id = $1", id).Scan(x.targets()...)
	if errors.Is(err, db.ErrNotFound) {
		return nil, errNoSuggestion(id)
	}
	return &x, err
}

// listSuggestions are those in a state ("": in any), the newest first.
func listSuggestions(tx *db.Tx, state string, limit int) (out []suggestion, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var x suggestion
		err := rows.Scan(x.targets()...)
		out = append(out, x)
		return err
	}, "select "+suggestionColumns+" from warning_suggestions where ($1 = '' or state = $1) order by id desc nulls last limit $2", state, limit)
	return out, err
}

// claimsOf are those of the alerts, in their order.
func claimsOf(tx *db.Tx, hazard string, alerts []int64) (out []claim, err error) {
	list, err := json.Marshal(alerts)
	if err != nil {
		return nil, err
	}
	err = tx.Each(func(rows *sql.Rows) error {
		var s claim
		err := rows.Scan(s.targets()...)
		out = append(out, s)
		return err
	}, "select "+claimColumns+" from warning_claims where hazard = $1 and alert in (select cast(value as bigint) from json_list($2)) order by since nulls last, id", hazard, string(list))
	return out, err
}
