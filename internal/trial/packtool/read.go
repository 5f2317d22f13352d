package packtool

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/notify"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/plan/drainage"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// Domain is a pack with what the rooms make of its files.
type Domain struct {
	Pack      *pack.Pack
	Detectors []*engine.Detector // none where the pack has errors
	Cases     []*lifecycle.Kind  // likewise
	Calendars []*calendar.Calendar
	Plans     []*plan.Plan      // likewise
	Basins    []*drainage.Basin // likewise
	Chains    []*notify.Chain   // likewise
	Warnings  *hazard.Set       // likewise; nil where it says nothing of warnings

	shipped bool           // in the binary, and not among those that are checked
	Upward  []*watch.Rules // likewise
}

// Read reads the pack in files with the decoders of all rooms; all says what files there may be. dir is what people call
// the folder. The errors of all files come at once; warnings are in Pack.Warnings.
//
// While pack.yaml is wrong, the other files are held against their form only: that a name in them refers to nothing may be
// the fault of pack.yaml.
func Read(files fs.FS, dir string, all []pack.Declaration) (*Domain, pack.Diagnostics) {
	p, ds := pack.Read(files, dir)
	d := &Domain{Pack: p}
	ds = append(ds, p.Unread(all)...)
	for _, name := range p.Files() {
		if i := slices.IndexFunc(all, func(x pack.Declaration) bool { return x.Matches(name) }); i >= 0 {
			if err := p.Decode(name, all[i].New()); !errors.Is(err, pack.ErrNoFile) { // a file that is not YAML is none
				ds.Join(err)
			}
		}
	}
	if !slices.ContainsFunc(ds, func(x pack.Diagnostic) bool { return x.Path == p.Path(pack.Main) }) {
		var err error
		d.Detectors, err = engine.Compile(p)
		ds.Join(err)
		d.Cases, err = lifecycle.Kinds(p)
		ds.Join(err)
		d.Calendars, err = calendar.Read(p)
		ds.Join(err)
		d.Basins, err = drainage.Basins(p)
		ds.Join(err)
		d.Plans, err = plan.Plans(p, d.Detectors)
		ds.Join(err)
		d.Chains, err = notify.Chains(p)
		ds.Join(err)
		d.Warnings, err = hazard.Read(p, d.Detectors)
		ds.Join(err)
		d.Upward, err = watch.Upward(p)
		ds.Join(err)
	}
	return d, ds.Sorted()
}
