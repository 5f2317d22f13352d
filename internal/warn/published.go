package warn

import (
	"context"
	"database/sql"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/public"
)

var _ public.Warnings = (*Service)(nil)

// Issuer fulfils public.Warnings.
func (s *Service) Issuer() public.Issuer {
	out := public.Issuer{BaseURL: s.options.BaseURL, Sender: s.options.Sender, Name: s.options.SenderName, TimeZone: s.options.zone()}
	if s.signer != nil {
		out.Certificate = s.signer.Certificate()
	}
	return out
}

// Published fulfils public.Warnings.
func (s *Service) Published(ctx context.Context, since, now time.Time) (out public.Published, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err := publicSince(tx, since)
		if err != nil {
			return err
		}
		before, err := levelsBefore(tx, now)
		if err != nil {
			return err
		}
		for _, f := range list {
			out.List = append(out.List, f.published(before[f.id]))
		}
		if out.Changed, err = publicChanged(tx, now); err != nil {
			return err
		}
		out.Steps, err = publicSteps(tx, now)
		return err
	})
	return out, err
}

// PublishedByNumber fulfils public.Warnings.
func (s *Service) PublishedByNumber(ctx context.Context, number string) (w public.Warning, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		f, err := publicWarning(tx, number)
		if err != nil {
			return err
		}
		vs, err := loadVersions(tx, f.id)
		if err != nil {
			return err
		}
		w = f.published(levelBefore(vs, f.shown.n))
		for _, v := range vs {
			if v.state == Issued {
				w.Messages = append(w.Messages, v.published(levelBefore(vs, v.n)))
			}
		}
		return nil
	})
	return w, err
}

// PublishedDocument fulfils public.Warnings.
func (s *Service) PublishedDocument(ctx context.Context, number string, version int) (document string, sent time.Time, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		document, sent, err = publicDocument(tx, number, version)
		return err
	})
	return document, sent, err
}

// published is what the public is told of a warning that was published to all. from is the level before the message that is shown.
func (f *full) published(from Level) public.Warning {
	c := f.shown.content
	w := public.Warning{ID: f.id, Number: f.number, Level: c.Level, Event: c.About.Event, Headline: c.Headline, Description: c.Description, Instruction: c.Instruction,
		Areas: c.Areas, Onset: c.Onset, Expires: f.expires, Latest: f.shown.published(from)}
	if f.endedAt != nil {
		w.End = &public.End{Kind: f.endKind, At: *f.endedAt, Reason: f.endReason}
	}
	return w
}

func (v version) published(from Level) public.Message {
	m := public.Message{Version: v.n, Kind: string(v.kind), Level: v.content.Level, Sent: v.sent, Document: v.cap}
	if change := v.kind.change(from, v.content.Level); change == changeUp || change == changeDown {
		m.Change, m.From = change, from
	}
	m.Headline.English, _, _ = v.kind.texts(v.content, page.English)
	m.Headline.Chinese, _, _ = v.kind.texts(v.content, page.Chinese)
	return m
}

// publicSince returns what was published to all and runs out after the instant, newest first, whether it was ended meanwhile
// or not.
func publicSince(tx *db.Tx, since time.Time) ([]full, error) {
	var out []full
	err := tx.Each(func(rows *sql.Rows) error {
		var f full
		err := f.scan(rows)
		out = append(out, f)
		return err
	}, "select "+recordColumns+", "+versionColumns+fullFrom+
		`where w.state <> 'proposed' and w.current > 0 and w.status = 'Actual' and w.scope = 'Public' and w.expires > $1
		order by w.id desc nulls last`, db.Micros(since))
	return out, err
}

// levelsBefore are the levels, by warning, that the messages before the latest of what is in force had.
func levelsBefore(tx *db.Tx, now time.Time) (map[int64]Level, error) {
	out := map[int64]Level{}
	err := tx.Each(func(rows *sql.Rows) error {
		var id int64
		var level Level
		err := rows.Scan(&id, &level)
		out[id] = level // the last counts
		return err
	}, `select v.warning, json_text(v.content, 'level') from warning_versions v join warnings w on w.id = v.warning
		where v.state = 'issued' and v.version < w.current and w.state = 'issued' and w.status = 'Actual' and w.scope = 'Public' and w.expires > $1
		order by v.warning nulls last, v.version nulls last, v.id`, db.Micros(now))
	return out, err
}

// publicSteps counts what has changed the public picture so far: messages, and warnings whose time has run out.
func publicSteps(tx *db.Tx, now time.Time) (n int64, err error) {
	err = tx.QueryRow(`select (select count(*) from warning_versions v join warnings w on w.id = v.warning
			where v.state = 'issued' and w.status = 'Actual' and w.scope = 'Public')
		+ (select count(*) from warnings w
			where w.current > 0 and w.state <> 'cancelled' and w.status = 'Actual' and w.scope = 'Public' and w.expires <= $1)`, db.Micros(now)).Scan(&n)
	return n, err
}

// publicChanged returns when what is in force, or was ended and would be, last changed; zero if never. All of it goes at its
// expiry, whoever ended it before.
func publicChanged(tx *db.Tx, now time.Time) (time.Time, error) {
	var us int64
	err := tx.QueryRow(`select coalesce(max(case when expires <= $1 then expires else changed end), 0)
		from warnings where status = 'Actual' and scope = 'Public' and current > 0`, db.Micros(now)).Scan(&us)
	return db.Time(us), err
}

// publicWarning returns a warning by its number if it was ever published to all.
func publicWarning(tx *db.Tx, number string) (full, error) {
	var f full
	err := tx.QueryRow("select "+recordColumns+", "+versionColumns+fullFrom+
		`where w.number = $1 and w.status = 'Actual' and w.scope = 'Public' and w.current > 0`, number).
		Scan(append(f.record.targets(), f.shown.targets()...)...)
	return f, err
}

// publicDocument returns the CAP document of a published message; version 0 means the latest.
func publicDocument(tx *db.Tx, number string, version int) (document string, sent time.Time, err error) {
	err = tx.QueryRow(`select v.cap, v.sent from warnings w join warning_versions v on v.warning = w.id
		where w.number = $1 and w.status = 'Actual' and w.scope = 'Public' and v.state = 'issued'
		and v.version = case when cast($2 as bigint) > 0 then cast($2 as bigint) else w.current end`, number, version).Scan(&document, instant{&sent})
	return document, sent, err
}
