package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// A city lives in real time. A demo and a drill have a time of their own, which whoever leads them may slow down where people decide, and
// speed up where nothing happens.

// paceFile says how the time of a demo or a drill runs, for one that goes on after a restart.
const paceFile = "pace.json"

// MaxSpeed is how many seconds of a demo or a drill may pass in one.
const MaxSpeed = 10_000

// paceNote is what the file holds.
type paceNote struct {
	DrillFrom time.Time `json:"drill_from,omitzero"` // where a drill began; absent in a demo
	clock.Pace
}

// setClock gives a demo or a drill its time, at the speed of the options. A folder of a drill stays one, and no other folder becomes
// one: what real people did must not stand beside what was played.
func (a *App) setClock(context.Context) error {
	if a.options.Clock != nil {
		return nil
	}
	from := a.options.Drill.From.UTC()
	drill := !from.IsZero()
	note, err := a.readPace()
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	case err == nil && !note.DrillFrom.IsZero() && !from.Equal(note.DrillFrom):
		return fmt.Errorf("the data folder %s holds a drill: go on with --drill-from %s, or choose another folder with --data",
			a.options.Data, note.DrillFrom.Format(time.RFC3339))
	case err == nil && note.DrillFrom.IsZero() && drill:
		return fmt.Errorf("the data folder %s is that of a demo; choose another one for a drill with --data", a.options.Data)
	case err == nil && !drill && a.options.Demo == nil:
		return nil // a demo's folder, served as a city
	case err == nil:
	case drill:
		if _, err := os.Stat(filepath.Join(a.options.Data, "local.token")); err == nil {
			return fmt.Errorf("the data folder %s is that of a city; choose another one for a drill with --data", a.options.Data)
		}
		note = paceNote{from, clock.Pace{At: clock.System().Now(), Then: from}}
	case a.options.Demo != nil:
		t, err := a.formerTruth()
		if err != nil {
			return fmt.Errorf("demo city: %w", err)
		}
		note = paceNote{Pace: clock.Pace{At: t.Start, Then: t.Start, Speed: a.options.Demo.Speed}}
	default:
		return nil
	}
	speed := a.options.Drill.Speed
	if a.options.Demo != nil {
		speed = a.options.Demo.Speed
	}
	a.pace = clock.NewPaced(note.Pace)
	note.Pace = a.pace.SetSpeed(speed, time.Time{})
	a.clock = a.pace
	return a.writePace(note)
}

func (a *App) readPace() (n paceNote, err error) {
	b, err := os.ReadFile(filepath.Join(a.options.Data, paceFile))
	if err != nil {
		return n, err
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return n, fmt.Errorf("%s: %w", paceFile, err)
	}
	return n, nil
}

func (a *App) writePace(n paceNote) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	path := filepath.Join(a.options.Data, paceFile)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("note the pace: %w", err)
	}
	return os.Rename(path+".new", path)
}

// TimeView is the server's time.
type TimeView struct {
	Now   time.Time `json:"now"`
	Kind  string    `json:"kind" enum:"city,demo,drill" doc:"a city lives in real time"`
	Speed float64   `json:"speed" doc:"how many seconds pass in one of real time; 0: it stands still"`
}

func (a *App) timeView() TimeView {
	v := TimeView{Now: a.clock.Now(), Kind: "city", Speed: 1}
	if a.pace != nil {
		v.Kind, v.Speed = "drill", a.pace.Speed()
		if a.options.Demo != nil {
			v.Kind = "demo"
		}
	}
	return v
}

type timeOutput struct{ Body TimeView }

func (a *App) paceRoutes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "time", Method: http.MethodGet, Path: "/api/v1/time", Tags: []string{"watch"},
		Summary: "The server's time, and how fast it runs",
	}, func(ctx context.Context, _ *struct{}) (*timeOutput, error) {
		if err := a.access.Decide(ctx, "watch.read", access.Resource{Type: "watch"}, access.Operations); err != nil {
			return nil, err
		}
		return &timeOutput{a.timeView()}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "set-pace", Method: http.MethodPut, Path: "/api/v1/time", Tags: []string{"watch"},
		Summary: "In a demo or a drill: slow its time down, speed it up, or have it stand still",
	}, func(ctx context.Context, in *struct {
		Body struct {
			Speed float64   `json:"speed" minimum:"0" maximum:"10000" doc:"how many seconds pass in one of real time; 0: it stands still"`
			Until time.Time `json:"until,omitzero" required:"false" doc:"from this time of the demo or drill on, it runs as fast as life again"`
		}
	}) (*timeOutput, error) {
		if err := a.setSpeed(ctx, in.Body.Speed, in.Body.Until); err != nil {
			return nil, err
		}
		return &timeOutput{a.timeView()}, nil
	})
}

// setSpeed changes the pace, for this run and for one that goes on from here.
func (a *App) setSpeed(ctx context.Context, speed float64, until time.Time) error {
	if err := a.access.Decide(ctx, "time.pace", access.Resource{Type: "time"}, access.Operations); err != nil {
		return err
	}
	if a.pace == nil {
		return web.Errorf(http.StatusConflict, "time.life", "a city lives in real time; only a demo or a drill has a pace")
	}
	a.pacing.Lock()
	defer a.pacing.Unlock()
	note, err := a.readPace()
	if err != nil {
		return err
	}
	if !until.IsZero() && !until.After(a.pace.Now()) {
		return web.Errorf(http.StatusUnprocessableEntity, "time.past", "the clock shows %s already; expected a time after it", a.pace.Now().Format(time.RFC3339)).At("until")
	}
	note.Pace = a.pace.SetSpeed(speed, until)
	if err := a.writePace(note); err != nil {
		return err
	}
	who, detail := access.From(ctx), map[string]any{"speed": speed}
	if !until.IsZero() {
		detail["until"] = until.UTC()
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		return ledger.Append(tx, ledger.Entry{Action: "time.pace", Actor: who.Name, ActorID: who.ID, Subject: "time", At: note.Then, Detail: detail})
	})
}
