package warn

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/skill"
)

var _ skill.Warnings = (*Service)(nil)

// Ended fulfils skill.Warnings.
func (s *Service) Ended(tx *db.Tx, from, to time.Time) ([]skill.Warning, error) {
	now := s.now()
	var list []full
	err := tx.Each(func(rows *sql.Rows) error {
		var f full
		err := f.scan(rows)
		list = append(list, f)
		return err
	}, "select "+recordColumns+", "+versionColumns+fullFrom+`where w.status = 'Actual' and w.current > 0
		and (w.state <> 'issued' or w.expires <= $3) and coalesce(w.ended_at, w.expires) >= $1 and coalesce(w.ended_at, w.expires) < $2
		order by coalesce(w.ended_at, w.expires) desc nulls last, w.id desc`, db.Micros(from), db.Micros(to), db.Micros(now))
	if err != nil {
		return nil, err
	}
	steps := map[int64][]skill.Step{}
	err = tx.Each(func(rows *sql.Rows) error {
		var id, sent int64
		var level string
		err := rows.Scan(&id, &sent, &level)
		steps[id] = append(steps[id], skill.Step{At: db.Time(sent), Level: level})
		return err
	}, `select v.warning, v.sent, json_text(v.content, 'level') from warning_versions v join warnings w on w.id = v.warning
		where v.state = 'issued' and v.kind in ('alert', 'update') and w.status = 'Actual'
		and coalesce(w.ended_at, w.expires) >= $1 and coalesce(w.ended_at, w.expires) < $2 order by v.warning nulls last, v.version nulls last, v.id`,
		db.Micros(from), db.Micros(to))
	out := make([]skill.Warning, len(list))
	for i, f := range list {
		out[i] = f.ended(steps[f.id])
	}
	return out, err
}

// EndedByID fulfils skill.Warnings.
func (s *Service) EndedByID(tx *db.Tx, id int64) (skill.Warning, error) {
	r, err := loadWarning(tx, id)
	if err != nil {
		return skill.Warning{}, err
	}
	switch {
	case r.status != cap.Actual:
		return skill.Warning{}, web.Errorf(409, "warning.not_actual", "warning %s is %s: only real warnings are judged", r.number, r.status)
	case r.current == 0:
		return skill.Warning{}, web.Errorf(409, "warning.never_issued", "warning %s was never issued, so there is nothing to judge", r.number)
	case r.state == Issued && r.expires.After(s.now()):
		return skill.Warning{}, web.Errorf(409, "warning.in_force", "warning %s is in force until %s; it is judged when it has ended", r.number, r.expires.Format(time.RFC3339))
	}
	vs, err := loadVersions(tx, id)
	if err != nil {
		return skill.Warning{}, err
	}
	var steps []skill.Step
	for _, v := range vs {
		if v.state == Issued && (v.kind == kindAlert || v.kind == kindUpdate) {
			steps = append(steps, skill.Step{At: v.sent, Level: string(v.content.Level)})
		}
	}
	if len(steps) == 0 {
		return skill.Warning{}, errors.New("an issued warning has no message")
	}
	return (&full{record: *r, shown: currentOf(r, vs)}).ended(steps), nil
}

func (f *full) ended(steps []skill.Step) skill.Warning {
	c := f.shown.content
	w := skill.Warning{ID: f.id, Number: f.number, Hazard: c.Hazard, Event: c.About.Event, Headline: c.Headline, Scope: f.scope,
		Steps: steps, Ended: f.expires, End: orElse(f.endKind, "expired"), Areas: area.IDs(c.Areas)}
	if f.endedAt != nil {
		w.Ended = *f.endedAt
	}
	return w
}

// Event fulfils skill.Warnings.
func (s *Service) Event(hazard string) (page.Text, bool) {
	h, ok := s.hazards.Get(hazard)
	return h.Event, ok
}

// AreaIDs fulfils skill.Warnings.
func (s *Service) AreaIDs(ctx context.Context) ([]int64, error) {
	list, err := s.areas.Areas(ctx)
	ids := make([]int64, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	return ids, err
}
