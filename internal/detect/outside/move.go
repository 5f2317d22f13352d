package outside

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxNote bounds what a person writes beside a deed, in characters.
const maxNote = 1000

// resource is what access is asked about. A model is the city's own: who may act on it works for the city as a whole.
func resource(id int64) access.Resource { return access.Resource{Type: "model", ID: id} }

// Register records a model as a draft.
func (s *Service) Register(ctx context.Context, r Registration) (*Model, error) {
	if err := s.Access.Decide(ctx, "model.register", resource(0), access.Administration); err != nil {
		return nil, err
	}
	r, err := r.check(s.Cases)
	if err != nil {
		return nil, err
	}
	who, now := access.From(ctx), s.Clock.Now()
	m := &Model{Registration: r, State: Draft, RegisteredAt: now, RegisteredBy: who.Name, MovedAt: now, registeredByID: who.ID, idsKey: make([]byte, 16)}
	rand.Read(m.idsKey) // never fails: the runtime ends the program instead
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := nameFree(tx, r.Name, 0); err != nil {
			return err
		}
		if err := insertModel(tx, m); err != nil {
			return err
		}
		return s.enter(tx, ctx, m, "model.register", registered(r))
	})
	if err != nil {
		return nil, at(fmt.Sprintf("register model %s", r.Name), err)
	}
	return s.model(ctx, m.ID)
}

// Change replaces the registration of a draft.
func (s *Service) Change(ctx context.Context, id int64, r Registration) (*Model, error) {
	if err := s.Access.Decide(ctx, "model.register", resource(id), access.Administration); err != nil {
		return nil, err
	}
	r, err := r.check(s.Cases)
	if err != nil {
		return nil, err
	}
	who := access.From(ctx)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		m, err := modelByID(tx, id)
		if err != nil {
			return err
		}
		if m.State != Draft {
			return web.Errorf(http.StatusConflict, "model.not_draft", "the model is in state %s; take it back to a draft first, since its figures hold for what was registered", m.State)
		}
		if err := nameFree(tx, r.Name, id); err != nil {
			return err
		}
		m.Registration, m.RegisteredAt, m.RegisteredBy, m.registeredByID = r, s.Clock.Now(), who.Name, who.ID
		if err := updateRegistration(tx, m); err != nil {
			return err
		}
		return s.enter(tx, ctx, m, "model.register", registered(r))
	})
	if err != nil {
		return nil, at(fmt.Sprintf("change model %d", id), err)
	}
	return s.model(ctx, id)
}

// registered is what the ledger keeps of a registration.
func registered(r Registration) map[string]any {
	d := map[string]any{"name": r.Name, "url": r.URL, "source": r.Source, "owner": r.owner(), "every": r.Every, "history": r.History, "horizon": r.Horizon, "share": r.Share, "levels": r.Levels}
	if r.Property != "" {
		d["property"], d["kinds"] = r.Property, r.Kinds
	} else {
		d["datastreams"] = len(r.Datastreams)
	}
	if r.Secret != nil {
		d["secret"] = r.Secret.Env
	}
	return d
}

func nameFree(tx *db.Tx, name string, but int64) error {
	var n int
	if err := tx.QueryRow(`select count(*) from outside_models where name = $1 and id <> $2`, name, but).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return web.Errorf(http.StatusConflict, "model.name_taken", "there is a model %s already; names are not used twice, since alerts and the ledger speak of them", name).At("name")
	}
	return nil
}

// enter writes a deed into the ledger.
func (s *Service) enter(tx *db.Tx, ctx context.Context, m *Model, action string, detail map[string]any) error {
	who := access.From(ctx)
	return ledger.Append(tx, ledger.Entry{Action: action, Actor: who.Name, ActorID: who.ID, Subject: "model", SubjectID: m.ID, At: s.Clock.Now(), Detail: detail})
}

// Approve has a model in shadow go live, on its figures: they are computed now and stand in the ledger with the approval. It
// takes a person who had no part in registering the model. version is the one whose figures that person has seen.
func (s *Service) Approve(ctx context.Context, id int64, version, note string) (*Model, *Figures, error) {
	if err := s.Access.Decide(ctx, "model.approve", resource(id), access.Operations); err != nil {
		return nil, nil, err
	}
	note, err := checkNote(note, true)
	if err != nil {
		return nil, nil, err
	}
	m, err := s.model(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := s.mayGoLive(ctx, m, version); err != nil {
		return nil, nil, err
	}
	f, err := s.figures(ctx, m, Period{})
	if err != nil {
		return nil, nil, err
	}
	who, now := access.From(ctx), s.Clock.Now()
	detail := map[string]any{"name": m.Registration.Name, "version": version, "note": note, "figures": f.brief()}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if still, err := stillIn(tx, m); err != nil || !still {
			return errors.Join(err, moved(still))
		}
		m.State, m.MovedAt, m.LiveAt, m.Approved, m.ApprovedBy, m.approvedByID = Live, now, &now, version, who.Name, who.ID
		if err := updateState(tx, m); err != nil {
			return err
		}
		return s.enter(tx, ctx, m, "model.approve", detail)
	})
	if err != nil {
		return nil, nil, at(fmt.Sprintf("approve model %d", id), err)
	}
	m, err = s.model(ctx, id)
	return m, f, err
}

// mayGoLive says why a model can't be approved.
func (s *Service) mayGoLive(ctx context.Context, m *Model, version string) error {
	var authors []int64
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		wrote, err := isAuthor(tx, m.ID, access.From(ctx).ID)
		if wrote {
			authors = append(authors, access.From(ctx).ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("authors of model %d: %w", m.ID, err)
	}
	for _, author := range append(authors, m.registeredByID) {
		if err := access.FourEyes(ctx, author, "approve a model that you registered"); err != nil {
			return err
		}
	}
	switch {
	case m.State != Shadow:
		return web.Errorf(http.StatusConflict, "model.not_shadow", "the model is in state %s; only one that runs in shadow can be approved", m.State)
	case len(m.Registration.Levels) == 0:
		return web.Errorf(http.StatusConflict, "model.no_rule", "the model only forecasts: there is nothing to go live with")
	case m.AnsweredAt == nil:
		return web.Errorf(http.StatusConflict, "model.unproven", "the model has never answered: there are no figures")
	case version != m.Version:
		return web.Errorf(http.StatusConflict, "model.other_version", "the model answers with version %s by now; look at the figures of that one", m.Version).At("version")
	case m.Fails > 0:
		return web.Errorf(http.StatusConflict, "model.failing", "the model fails just now: %s", m.Fault)
	}
	return nil
}

// Move takes a model to shadow, back to a draft, or to retirement. From live to shadow or retirement it goes at once, whatever
// its figures; alerts of its that stand are withdrawn.
func (s *Service) Move(ctx context.Context, id int64, to State, note string) (*Model, error) {
	m, err := s.model(ctx, id)
	if err != nil {
		return nil, err
	}
	action, purpose := "model.register", access.Administration
	if m.State == Live { // whoever watches may stop it
		action, purpose = "model.halt", access.Operations
	}
	if err := s.Access.Decide(ctx, action, resource(id), purpose); err != nil {
		return nil, err
	}
	if note, err = checkNote(note, m.State == Live); err != nil {
		return nil, err
	}
	if allowed := map[State][]State{Draft: {Shadow, Retired}, Shadow: {Draft, Retired}, Live: {Shadow, Retired}}[m.State]; !slices.Contains(allowed, to) {
		return nil, web.Errorf(http.StatusConflict, "model.no_such_move", "a model in state %s can't be moved to %s", m.State, to)
	}
	from, now := m.State, s.Clock.Now()
	for tries := 1; ; tries++ {
		gone, err := s.standing(ctx, m)
		if err != nil {
			return nil, err
		}
		also := func(tx *db.Tx) error {
			if still, err := stillIn(tx, m); err != nil || !still {
				return errors.Join(err, moved(still))
			}
			if open, err := standing(tx, m); err != nil || len(open) != len(gone) {
				return errors.Join(err, errMoved) // it raised another meanwhile
			}
			after := *m
			after.State, after.MovedAt, after.LiveAt, after.Approved, after.ApprovedBy, after.approvedByID = to, now, nil, "", "", 0
			if from == Draft {
				after.ShadowAt = &now
			}
			if err := updateState(tx, &after); err != nil {
				return err
			}
			return s.enter(tx, ctx, m, action, map[string]any{"name": m.Registration.Name, "from": string(from), "to": string(to), "note": note})
		}
		if from == Live {
			err = s.Alerts.Tell(ctx, gone, also)
		} else {
			err = s.DB.Write(ctx, also)
		}
		if errors.Is(err, errMoved) && tries < 5 {
			continue
		}
		if err != nil {
			return nil, at(fmt.Sprintf("move model %d to %s", id, to), err)
		}
		return s.model(ctx, id)
	}
}

// standing are the steps that withdraw the alerts of a live model.
func (s *Service) standing(ctx context.Context, m *Model) (out []detect.Told, err error) {
	var open []Alert
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		open, err = standing(tx, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("alerts of model %d: %w", m.ID, err)
	}
	for _, a := range open {
		out = append(out, detect.Told{Change: engine.Change{
			Detector: &engine.Detector{ID: m.detectorID()}, Kind: engine.Hazard, Subject: engine.Subject{ID: a.Datastream},
			Since: db.Micros(a.Since), At: db.Micros(s.Clock.Now()), From: a.Level, Cleared: true, Withdrawn: true, Datastream: a.Datastream,
		}})
	}
	return out, nil
}

func standing(tx *db.Tx, m *Model) ([]Alert, error) {
	if m.State != Live {
		return nil, nil
	}
	return alerts(tx, `where model = $1 and state = 'live' and cleared_at is null order by id nulls last`, m.ID)
}

func moved(still bool) error {
	if still {
		return nil
	}
	return web.Errorf(http.StatusConflict, "model.moved", "another has moved the model meanwhile; look again")
}

// at wraps an error that is not for people.
func at(what string, err error) error {
	var refused *web.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, db.ErrNotFound):
		return web.Errorf(http.StatusNotFound, "model.unknown", "there is no such model")
	}
	return fmt.Errorf("%s: %w", what, err)
}

// checkNote completes what a person writes beside a deed.
func checkNote(note string, needed bool) (string, error) {
	note = strings.TrimSpace(note)
	switch {
	case needed && note == "":
		return "", web.Errorf(http.StatusUnprocessableEntity, "model.note_missing", "say why").At("note")
	case utf8.RuneCountInString(note) > maxNote || !utf8.ValidString(note) || strings.ContainsRune(note, 0):
		return "", web.Errorf(http.StatusUnprocessableEntity, "model.bad_note", "expected text of at most %d characters", maxNote).At("note")
	}
	return guard.Mask(note), nil // here, since the ledger forgets nothing
}

func (s *Service) model(ctx context.Context, id int64) (m *Model, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		m, err = modelByID(tx, id)
		return err
	})
	if err != nil {
		return nil, at(fmt.Sprintf("model %d", id), err)
	}
	return m, nil
}

// List are all models, by id.
func (s *Service) List(ctx context.Context) (out []*Model, err error) {
	if err := s.mayRead(ctx); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = models(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	return out, nil
}

// Get is one model.
func (s *Service) Get(ctx context.Context, id int64) (*Model, error) {
	if err := s.mayRead(ctx); err != nil {
		return nil, err
	}
	return s.model(ctx, id)
}

// Asked are a model's questions, newest first: those of before a window (zero: the newest), limit at most.
func (s *Service) Asked(ctx context.Context, id, before int64, limit int) (out []Asked, err error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = asks(tx, id, before, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("questions of model %d: %w", id, err)
	}
	return out, nil
}

// Raised is what a model raised, newest first: before an id (0: the newest), limit at most.
func (s *Service) Raised(ctx context.Context, id, before int64, limit int) (out []Alert, err error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = alerts(tx, `where model = $1 and (cast($2 as bigint) = 0 or id < cast($2 as bigint)) order by id desc nulls last limit $3`, id, before, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("alerts of model %d: %w", id, err)
	}
	return out, nil
}

func (s *Service) mayRead(ctx context.Context) error {
	return s.Access.Decide(ctx, "model.read", resource(0), access.Operations)
}
