package outside

import (
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect"
)

// The figures of the watch call a model by its title, and count its alerts to the post that answers for it, also once it is
// live no more.
func TestFiguresOfTheWatchNameModels(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.detect.Models = r.Service
		model := newTheirs(t)
		model.answer = scoring("1.2", 0.95, 0.1)
		reg := registration(model.URL)
		reg.Owner = "flood-duty"
		idle := registration(model.URL)
		idle.Name = "flood-old"
		r.shadow(idle)
		m := r.next(r.shadow(reg))
		_, _, err := r.Approve(officer, m.ID, "1.2", "seen")
		must(t, err)
		for range 3 {
			m = r.next(r.get(m.ID))
		}
		look := func(detectors int) {
			t.Helper()
			f, err := r.detect.Figures(officer, time.Time{}, time.Time{})
			must(t, err)
			if len(f.Detectors) != 1 || f.Detectors[0].Title != reg.Title || f.Detectors[0].Owner != "flood-duty" || f.Detectors[0].Maturity != "trial" || f.Detectors[0].Raised != 1 {
				t.Errorf("detectors %+v", f.Detectors)
			}
			if len(f.Positions) != 1 || f.Positions[0].Position != "flood-duty" || f.Positions[0].Load.Alarms != 1 || f.Positions[0].Detectors != detectors {
				t.Errorf("positions %+v", f.Positions)
			}
			_, now, err := r.detect.LoadNow(officer)
			must(t, err)
			if len(now) != 1 || now[0].Position != "flood-duty" || now[0].LastDay != 1 {
				t.Errorf("just now %+v", now)
			}
			owned, err := r.detect.List(officer, detect.Filter{Owner: "flood-duty"}, 0, 10)
			must(t, err)
			if len(owned) != 1 {
				t.Errorf("%d alerts of the post", len(owned))
			}
		}
		look(1)
		_, err = r.Move(officer, m.ID, Retired, "enough")
		must(t, err)
		look(0)
	})
}

// Who registers nobody as the owner gets the post that all such models have, and what is no name of a post is refused.
func TestOwner(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		model := newTheirs(t)
		r.shadow(registration(model.URL))
		names, err := r.Named(t.Context())
		must(t, err)
		if len(names) != 1 || names[0].Owner != "outside" || names[0].ID != "outside/flood-lstm" || names[0].Watches {
			t.Errorf("%+v", names)
		}
		reg := registration(model.URL)
		reg.Name, reg.Owner = "another", "Flood duty\n  levels: x"
		if _, err := r.Register(admin, reg); err == nil {
			t.Error("taken")
		}
	})
}
