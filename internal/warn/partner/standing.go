package partner

import (
	"context"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// publicly is the condition of what the public may be told of.
const publicly = ` status = '` + cap.Actual + `' and scope = '` + cap.Public + `' `

// Standing are the relayed warnings that are in force for the public, the latest first. steps grows with each change of them, also
// with the clock's.
func (s *Service) Standing(ctx context.Context, now time.Time) (out []Relayed, steps int64, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out = []Relayed{}
		all, err := partners(tx)
		if err != nil {
			return err
		}
		by := map[int64]*Partner{}
		for _, p := range all {
			by[p.ID] = p
		}
		ms, err := scanMessages(tx, `select `+messageColumns+` from received_messages where `+standing+` and `+publicly+`
			order by sent desc nulls last, id desc limit 1000`, db.Micros(now))
		if err != nil {
			return err
		}
		for _, m := range ms {
			p := by[m.Partner]
			if p == nil {
				continue
			}
			out = append(out, Relayed{ID: m.ID, Partner: p.ID, Title: p.Title, Service: p.Service, Hazard: m.Hazard, Level: m.Level, Texts: m.Texts,
				Places: m.Places, WholeCity: m.Placement == wholeCity, Sent: m.Sent, Onset: m.Onset, Expires: m.Expires, UnlistedAt: m.UnlistedAt})
		}
		return tx.QueryRow(`select (select coalesce(sum(n), 0) from relay_steps) + (select count(*) from received_messages where told = 1 and ended_at is null
			and expires <= $1)`, db.Micros(now)).Scan(&steps)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("relayed warnings: %w", err)
	}
	return out, steps, nil
}

// InForce are the relayed warnings that are in force for the public, the latest first.
func (s *Service) InForce(ctx context.Context, now time.Time) ([]Relayed, error) {
	out, _, err := s.Standing(ctx, now)
	return out, err
}

// changed notes that a transaction changes what the public is told in so many places, and has whoever shows it look again once it
// is on disk.
func (s *Service) changed(tx *db.Tx, places int) error {
	if s.Changed != nil {
		s.Changed(tx)
	}
	return step(tx, places)
}

// step counts changes. What expired by the clock has counted before it is written down, so that writing it must count too.
func step(tx *db.Tx, places int) error {
	_, err := tx.Exec(`update relay_steps set n = n + $1`, places)
	return err
}

// shown says whether the public is told of a message.
func (m *Message) shown(now time.Time) bool {
	return m.inForce(now) && m.Status == cap.Actual && m.Scope == cap.Public
}
