package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// drillFile says when and where in time a drill began, for one that goes on after a restart.
const drillFile = "drill.json"

// drillNote is what the file holds.
type drillNote struct {
	From    time.Time `json:"from"`    // what the clock showed at first
	Speed   float64   `json:"speed"`   // how fast it has run since
	Started time.Time `json:"started"` // by the machine's clock
}

// setDrillClock has a drill live in the time of the options. A folder of a drill stays one, and no other folder becomes one: what real
// people did must not stand beside what was played.
func (a *App) setDrillClock(context.Context) error {
	o := a.options.Drill
	if a.options.Clock != nil {
		return nil
	}
	path := filepath.Join(a.options.Data, drillFile)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && o.From.IsZero():
		return nil
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(a.options.Data, "local.token")); err == nil {
			return fmt.Errorf("the data folder %s is that of a city; choose another one for a drill with --data", a.options.Data)
		}
		d := drillNote{From: o.From.UTC(), Speed: o.Speed, Started: clock.System().Now()}
		if b, err = json.Marshal(d); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return fmt.Errorf("begin a drill: %w", err)
		}
	case err != nil:
		return fmt.Errorf("read the drill: %w", err)
	}
	var d drillNote
	if err := json.Unmarshal(b, &d); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if o.From.IsZero() || !d.From.Equal(o.From) || d.Speed != o.Speed {
		return fmt.Errorf("the data folder %s holds a drill: go on with --drill-from %s --drill-speed %g, or choose another folder with --data",
			a.options.Data, d.From.Format(time.RFC3339), d.Speed)
	}
	a.clock = clock.Elsewhere(d.Started, d.From, d.Speed)
	return nil
}
