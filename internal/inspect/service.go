package inspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Register is what inspect asks of the city's register.
type Register interface {
	// Locate completes a spot: an asset gives its place, area, owner and point, a place the same, a point its area and
	// who answers for it. What is not known stays 0. An id that does not exist gives an error that wraps db.ErrNotFound.
	// It answers from memory and doesn't block.
	Locate(ctx context.Context, s Spot) (Spot, error)
}

// Deps are what the room needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Register Register
}

// Service keeps findings.
type Service struct{ Deps }

// New returns the room.
func New(d Deps) *Service { return &Service{d} }

// Record keeps a finding and tells of it. request is the sender's idempotency key; with the same key the same finding
// comes back, whatever the draft says by then.
func (s *Service) Record(ctx context.Context, d Draft, request string) (Finding, error) {
	who := access.From(ctx)
	d, err := d.check()
	if err != nil {
		return Finding{}, err
	}
	spot, err := s.Register.Locate(ctx, Spot{Asset: d.Asset, Place: d.Place, Point: d.Point})
	if errors.Is(err, db.ErrNotFound) {
		return Finding{}, web.Errorf(http.StatusUnprocessableEntity, "finding.unknown_place", "there is no such asset or place").At("asset")
	}
	if err != nil {
		return Finding{}, fmt.Errorf("locate finding: %w", err)
	}
	r := access.Resource{Type: "finding", Organisation: spot.Owner, Area: spot.Area}
	if err := s.Access.Decide(ctx, "finding.record", r, access.Operations); err != nil {
		return Finding{}, err
	}
	// The checklist item goes on to the ledger and the bus, where nothing can be masked afterwards.
	f := Finding{
		At: s.Clock.Now(), ByID: who.ID, By: who.Name, Description: d.Description, Grade: d.Grade, Checklist: guard.Mask(d.Checklist), Spot: spot,
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		added, err := insert(tx, &f, request)
		if err != nil {
			return err
		}
		if !added {
			f, err = byRequest(tx, who.ID, request)
			return err
		}
		err = ledger.Append(tx, ledger.Entry{
			Action: "finding.record", Actor: who.Name, ActorID: who.ID, Subject: "finding", SubjectID: f.ID, At: f.At,
			Detail: map[string]any{"grade": f.Grade, "checklist": f.Checklist, "asset": f.Asset, "place": f.Place},
		})
		if err != nil {
			return err
		}
		return outbox.Put(tx, events.FindingRecorded{
			Finding: f.ID, Grade: f.Grade, Checklist: f.Checklist, Asset: f.Asset, Place: f.Place, Area: f.Area, Owner: f.Owner,
			Point: f.Point, At: f.At,
		})
	})
	return f, err
}

// Finding returns one finding.
func (s *Service) Finding(ctx context.Context, id int64) (Finding, error) {
	var f Finding
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		f, err = byID(tx, id)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return f, web.Errorf(http.StatusNotFound, "finding.not_found", "there is no finding %d", id)
	}
	if err != nil {
		return f, err
	}
	return f, s.Access.Decide(ctx, "finding.read", f.resource(), access.Operations)
}

// Findings returns up to limit findings that the actor may see, newest first, below the id before (0: from the newest).
// next is what to pass as before to go on; 0 when there is nothing more.
func (s *Service) Findings(ctx context.Context, before int64, limit int) (found []Finding, next int64, err error) {
	if err := s.Access.Decide(ctx, "finding.read", access.Resource{Type: "finding"}, access.Operations); err != nil {
		return nil, 0, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		for {
			page, err := newest(tx, before, limit)
			if err != nil {
				return err
			}
			for _, f := range page {
				before = f.ID
				if s.Access.Decide(ctx, "finding.read", f.resource(), access.Operations) != nil {
					continue
				}
				if found = append(found, f); len(found) == limit {
					next = before
					return nil
				}
			}
			if len(page) < limit {
				return nil
			}
		}
	})
	return found, next, err
}

func (f Finding) resource() access.Resource {
	return access.Resource{Type: "finding", ID: f.ID, Organisation: f.Owner, Area: f.Area}
}
