package warn

import (
	"context"
	"fmt"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/reach"
)

// Reach puts what is published into the outbox for those whom it concerns; reach.Service fulfils it.
type Reach interface {
	// Refresh is called before a transaction that publishes, and may take its time.
	Refresh(ctx context.Context)
	// Put is called in it.
	Put(tx *db.Tx, p reach.Publication) error
}

// reachOut has a version that was just published leave the program. vs are those before it.
func (s *Service) reachOut(tx *db.Tx, r *record, v version, vs []version) error {
	if s.reach == nil {
		return nil
	}
	p := reach.Publication{
		Number: r.number, Version: v.n, Kind: string(v.kind), Status: r.status, Scope: r.scope, Level: string(v.content.Level), Before: string(levelBefore(vs, v.n)), Hazard: v.content.Hazard,
		Event: v.content.About.Event, Headline: v.content.Headline, Onset: v.content.Onset, Expires: v.content.Expires, Sent: v.sent, Identifier: v.identifier,
		URL: s.options.BaseURL + "/warnings/" + r.number, CAP: v.cap,
	}
	p.Told.English, p.Description.English, p.Instruction.English = v.kind.texts(v.content, "en")
	p.Told.Chinese, p.Description.Chinese, p.Instruction.Chinese = v.kind.texts(v.content, "zh-CN")
	if r.status == cap.Actual && r.scope == cap.Public {
		p.CAPURL = fmt.Sprintf("%s.%d.xml", p.URL, v.n)
	}
	for _, x := range v.content.Areas {
		place := reach.Place{ID: x.ID, Code: x.Code, Name: x.Name, Touches: x.Touches}
		for _, ring := range x.Rings {
			text, err := ring.MarshalText()
			if err != nil {
				return err
			}
			place.Polygons = append(place.Polygons, string(text))
		}
		p.Places = append(p.Places, place)
	}
	return s.reach.Put(tx, p)
}

// MayRead asks whether the one who asks may read the warning of a number.
func (s *Service) MayRead(ctx context.Context, number string) error {
	return s.db.Read(ctx, func(tx *db.Tx) error {
		var id int64
		var scope string
		if err := tx.QueryRow("select id, scope from warnings where number = $1", number).Scan(&id, &scope); err != nil || scope == cap.Public {
			return err
		}
		_, _, err := s.readable(ctx, tx, id)
		return err
	})
}

// Number is the number of a warning that the one who asks may read.
func (s *Service) Number(ctx context.Context, id int64) (number string, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, _, err := s.readable(ctx, tx, id)
		if err == nil {
			number = r.number
		}
		return err
	})
	return number, err
}
