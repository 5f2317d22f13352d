package app

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/notify"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/plan/drainage"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/trial/packtool"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	shipped "github.com/anlan-city/anlan/packs"
)

// packs is what the loaded packs declare.
type packs struct {
	properties map[string]pack.Property
	kinds      []city.Kind
	declared   []pack.Kind // the same, with what they measure
	detectors  []*engine.Detector
	cases      []*lifecycle.Kind
	calendars  []*calendar.Calendar
	plans      []*plan.Plan
	basins     []*drainage.Basin
	chains     []*notify.Chain
	upward     []*watch.Rules
	warnings   []*hazard.Set
	book       *hazard.Book // what all packs say of warnings
	posts      posts
	sums       map[string]string // SHA-256 of each pack by its name, in hexadecimal
}

// loadPacks reads the packs in the binary and those in the folders of the options.
func (a *App) loadPacks(context.Context) error {
	p, err := LoadPacks(a.options.Packs...)
	if err != nil {
		return fmt.Errorf("the packs have mistakes:\n%w", err)
	}
	a.packs = p
	return nil
}

// recordPacks puts into the ledger which packs are in force from now on, where that is not what the last start found: limits, duties
// and who may publish are changed by files, so the ledger says which files stood behind a decision.
func (a *App) recordPacks(ctx context.Context) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		var last struct {
			Packs map[string]string `json:"packs"`
		}
		detail, err := ledger.Newest(tx, "packs", 0)
		if err == nil {
			err = json.Unmarshal(detail, &last)
		}
		if err != nil && !errors.Is(err, db.ErrNotFound) { // the watch goes on, and the entry says it all anew
			slog.WarnContext(ctx, "the last entry about packs can't be read", "err", err)
			last.Packs = nil
		}
		if maps.Equal(last.Packs, a.packs.sums) {
			return nil
		}
		added, changed, removed := []string{}, []string{}, []string{}
		for name, sum := range a.packs.sums {
			if before, ok := last.Packs[name]; !ok {
				added = append(added, name)
			} else if before != sum {
				changed = append(changed, name)
			}
		}
		for name := range last.Packs {
			if _, ok := a.packs.sums[name]; !ok {
				removed = append(removed, name)
			}
		}
		slices.Sort(added)
		slices.Sort(changed)
		slices.Sort(removed)
		return ledger.Append(tx, ledger.Entry{Action: "packs.load", Actor: "system", Subject: "packs", At: a.clock.Now(),
			Detail: map[string]any{"packs": a.packs.sums, "added": added, "changed": changed, "removed": removed}})
	})
}

// LoadPacks reads the packs in the binary and those in the folders. All mistakes of all packs come at once.
func LoadPacks(dirs ...string) (packs, error) {
	p := packs{properties: map[string]pack.Property{}, posts: posts{}, sums: map[string]string{}}
	var errs []error
	// No two packs may give a post two titles. They are let go with this function: what the parser made of them is large.
	var loaded []*pack.Pack
	add := func(files fs.FS, dir string) {
		read, err := p.add(files, dir, loaded)
		if err != nil {
			errs = append(errs, err)
			return
		}
		loaded = append(loaded, read)
	}
	entries, err := fs.ReadDir(shipped.FS(), ".")
	if err != nil {
		return p, err
	}
	for _, e := range entries {
		sub, err := fs.Sub(shipped.FS(), e.Name())
		if err != nil {
			return p, err
		}
		add(sub, path.Join("packs", e.Name()))
	}
	shippedChains, shippedWarnings := p.chains, p.warnings
	p.chains, p.warnings = nil, nil
	for _, dir := range dirs {
		add(os.DirFS(dir), filepath.ToSlash(dir))
	}
	p.chains = notify.InPlaceOf(shippedChains, p.chains)
	if errors.Join(errs...) == nil { // else what a rule names may stand in a pack that could not be read
		errs = append(errs, p.origins())
		errs = append(errs, p.bindWarnings(p.warnings, shippedWarnings))
	}
	return p, errors.Join(errs...)
}

// add reads one pack, after others, with the decoders of all rooms.
func (p *packs) add(files fs.FS, dir string, others []*pack.Pack) (*pack.Pack, error) {
	d, problems := packtool.Read(files, dir, PackFiles())
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if err := packtool.Disagree(d.Pack, others...).Err(); err != nil {
		return nil, err
	}
	p.posts.add(d.Pack.Posts)
	p.sums[d.Pack.Name] = hex.EncodeToString(d.Pack.SHA256[:])
	for _, prop := range d.Pack.Properties {
		p.properties[prop.ID] = prop
	}
	for _, k := range d.Pack.Kinds {
		p.kinds = append(p.kinds, city.Kind{ID: k.ID, Title: city.Name{EN: k.Title.In("en"), ZH: k.Title.In("zh-CN")}, Mobile: k.Mobile, Home: k.Home})
	}
	p.declared = append(p.declared, d.Pack.Kinds...)
	p.detectors = append(p.detectors, d.Detectors...)
	p.cases = append(p.cases, d.Cases...)
	for _, c := range d.Calendars {
		if i := slices.IndexFunc(p.calendars, func(o *calendar.Calendar) bool { return o.ID == c.ID }); i >= 0 {
			return nil, fmt.Errorf("the packs %s and %s both have a calendar %q", p.calendars[i].Pack, c.Pack, c.ID)
		}
		p.calendars = append(p.calendars, c)
	}
	p.plans = append(p.plans, d.Plans...)
	p.basins = append(p.basins, d.Basins...)
	p.chains = append(p.chains, d.Chains...)
	p.upward = append(p.upward, d.Upward...)
	if d.Warnings != nil {
		p.warnings = append(p.warnings, d.Warnings)
	}
	return d.Pack, nil
}

// Kinds fulfils city.Kinds.
func (p packs) Kinds() []city.Kind { return p.kinds }

var _ city.Kinds = packs{}
