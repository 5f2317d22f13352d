package partner

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// judgedAgain are the messages of a partner that have not ended, as they are to be judged once the partner is p: by another trust
// one may count no longer, by another word for an event it is about another hazard.
func (s *Service) judgedAgain(ctx context.Context, p *Partner) (map[int64]*candidate, error) {
	ctx = access.With(ctx, access.System("partners"))
	documents := map[int64]string{}
	now := s.Clock.Now()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var id int64
			var d string
			err := rows.Scan(&id, &d)
			documents[id] = d
			return err
		}, `select id, document from received_messages where partner = $1 and verdict <> 'reject' and ended_at is null and expires > $2 and document <> ''`, p.ID, db.Micros(now))
	})
	if err != nil || len(documents) == 0 {
		return nil, err
	}
	areas, err := s.Register.Areas(ctx)
	if err != nil {
		return nil, fmt.Errorf("areas of the register: %w", err)
	}
	hazards, err := s.Hazards.Hazards(ctx)
	if err != nil {
		return nil, fmt.Errorf("hazards: %w", err)
	}
	g, out := newGround(areas), map[int64]*candidate{}
	for id, d := range documents {
		out[id] = s.judge(p, []byte(d), hazards, g, now)
	}
	return out, nil
}

// renew writes what was judged again, and tells the other rooms.
func (s *Service) renew(tx *db.Tx, p *Partner, again map[int64]*candidate, now time.Time) error {
	for id, c := range again {
		m, err := scanMessage(tx.QueryRow(`select `+messageColumns+` from received_messages where id = $1`, id))
		if err != nil {
			return err
		}
		if m.EndedAt != nil {
			continue
		}
		was := m.event(p, now)
		m.Verdict, m.Problems, m.SignedBy = c.Verdict, c.Problems, c.SignedBy
		if c.Verdict != cap.Reject {
			m.Hazard, m.Level, m.Places, m.Placement, m.Speaks, m.Clears = c.Hazard, c.Level, c.Places, c.Placement, c.Speaks, c.Clears
			m.join(c.concerns)
		}
		if err := updateJudged(tx, m); err != nil {
			return err
		}
		stands := m.inForce(now) && m.tellable()
		switch {
		case m.told == toldStanding && !stands:
			kind := byRemoval
			if c.Verdict == cap.Reject {
				kind = byDistrust
				err = s.takeOut(tx, p, m, kind, now)
			} else {
				m.told = untold // it may be placed again
				if err = updateTold(tx, m); err == nil {
					err = outbox.Put(tx, events.RelayEnded{Relay: m.event(p, now), How: kind})
				}
			}
		case m.told == toldStanding && (was.Hazard != m.Hazard || was.Level != m.Level || fmt.Sprint(was.Areas) != fmt.Sprint(m.touches())):
			err = outbox.Put(tx, events.RelayUpdated{Relay: m.event(p, now)})
		case m.told != toldStanding && stands:
			err = s.tell(tx, p, m, nil, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func updateJudged(tx *db.Tx, m *Message) error {
	problems, err := json.Marshal(m.Problems)
	if err != nil {
		return err
	}
	places, err := json.Marshal(m.Places)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`update received_messages set verdict = $1, problems = $2, signed_by = $3, hazard = $4, level = $5, places = $6, placement = $7,
		speaks = $8, clears = $9, concerns = $10 where id = $11`, m.Verdict, string(problems), m.SignedBy, m.Hazard, m.Level, string(places), m.Placement, flag(m.Speaks), flag(m.Clears), areasJSON(m.concerns), m.ID)
	return err
}
