package packtool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/trial/packtest"
)

// Packs says which packs there are, and what may stand in them.
type Packs struct {
	Shipped fs.FS              // one folder for each pack in the binary
	Files   []pack.Declaration // of all rooms
	Clock   clock.Clock        // says which calendars end
}

// Checked is what was found in one folder.
type Checked struct {
	Domain
	Problems pack.Diagnostics // errors and warnings, sorted
}

// Report is what was found in all of them.
type Report []Checked

// Check reads the packs in the folders and says all that is wrong with them. A folder that ends in /... stands for all packs
// below it. An error is a folder that can't be read.
func (ps Packs) Check(folders ...string) (Report, error) {
	dirs, err := expand(folders)
	if err != nil {
		return nil, err
	}
	var sources []source
	for _, dir := range dirs {
		sources = append(sources, source{filepath.ToSlash(dir), os.DirFS(dir)})
	}
	return ps.check(sources), nil
}

// source is a folder with a pack, and what people call it.
type source struct {
	dir   string
	files fs.FS
}

func (ps Packs) check(sources []source) Report {
	var r Report
	for _, s := range sources {
		d, ds := Read(s.files, s.dir, ps.Files)
		r = append(r, Checked{*d, ds})
	}
	others := ps.others(r)
	for i, s := range sources {
		d, ds := &r[i].Domain, &r[i].Problems
		if ds.Err() == nil {
			_, err := packtest.Load(s.files, s.dir, calendars(others)...)
			ds.Join(err)
			*ds = append(*ds, alone(d, s.files)...)
			*ds = append(*ds, ending(d, ps.Clock.Now())...)
		}
		*ds = append(*ds, d.Pack.Warnings()...)
		if r[i].Problems.Err() == nil {
			r[i].Problems = append(r[i].Problems, together(&r[i].Domain, others)...)
		}
		r[i].Problems = r[i].Problems.Sorted()
	}
	return r
}

// calendars are those of all packs.
func calendars(all []*Domain) []*calendar.Calendar {
	var out []*calendar.Calendar
	for _, d := range all {
		out = append(out, d.Calendars...)
	}
	return out
}

// Calendars are those of the shipped packs and of the packs in the folders, as far as they can be read. It reads no other file of
// theirs: who runs the tests of one pack does not wait for the rules of all.
func (ps Packs) Calendars(folders ...string) []*calendar.Calendar {
	var sources []source
	entries, _ := fs.ReadDir(ps.Shipped, ".")
	for _, e := range entries {
		if files, err := fs.Sub(ps.Shipped, e.Name()); err == nil {
			sources = append(sources, source{path.Join("packs", e.Name()), files})
		}
	}
	for _, dir := range folders { // of two of one name that in a folder counts
		sources = append(sources, source{filepath.ToSlash(filepath.Clean(dir)), os.DirFS(dir)})
	}
	var out []*calendar.Calendar
	for _, s := range sources {
		if _, err := fs.Stat(s.files, calendar.File); err != nil {
			continue
		}
		p, _ := pack.Read(s.files, s.dir)
		if all, err := calendar.Read(p); err == nil {
			out = append(out, all...)
		}
	}
	return out
}

// expand makes folders of patterns.
func expand(folders []string) ([]string, error) {
	var dirs []string
	for _, folder := range folders {
		root, pattern := strings.CutSuffix(filepath.ToSlash(folder), "/...")
		if !pattern {
			if info, err := os.Stat(folder); err != nil {
				return nil, err
			} else if !info.IsDir() {
				return nil, fmt.Errorf("%s is a file; a pack is a folder", folder)
			}
			dirs = append(dirs, filepath.Clean(folder))
			continue
		}
		found := false
		err := filepath.WalkDir(filepath.FromSlash(root), func(p string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && e.Name() == pack.Main {
				dirs = append(dirs, filepath.Dir(p))
				found = true
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("no %s below %s", pack.Main, root)
		}
	}
	return slices.Compact(dirs), nil
}

// alone are warnings that need no other pack.
func alone(d *Domain, files fs.FS) pack.Diagnostics {
	var ds pack.Diagnostics
	if _, err := fs.Stat(files, readme); errors.Is(err, fs.ErrNotExist) {
		ds = append(ds, pack.Diagnostic{Path: path.Join(d.Pack.Dir(), readme), Code: pack.CodeReadme, Severity: pack.Warning,
			Message: "the pack has no " + readme})
	}
	for _, x := range d.Detectors {
		id := strings.TrimPrefix(x.ID, d.Pack.Name+"/")
		if !slices.ContainsFunc(d.Pack.Files(), func(file string) bool {
			return packtest.Declaration().Matches(file) && d.Pack.Mentions(file, "detector", id)
		}) {
			ds.Warn(d.Pack.At(detectorsFile, id), pack.CodeUntested, "no test names the detector %s", id)
		}
	}
	for _, k := range d.Cases {
		if !slices.ContainsFunc(d.Pack.Files(), func(file string) bool {
			return packtest.Declaration().Matches(file) && d.Pack.Mentions(file, "case", k.ID)
		}) {
			ds.Warn(d.Pack.At(casesFile, k.ID), pack.CodeUntestedCase, "no test is about the case kind %s", k.ID)
		}
	}
	return ds
}

// calendarNotice is how long before its end a calendar is warned of.
const calendarNotice = 30 * 24 * time.Hour

// ending warns of calendars whose holidays are not known for long.
func ending(d *Domain, now time.Time) pack.Diagnostics {
	var ds pack.Diagnostics
	for _, c := range d.Calendars {
		if until, ok := c.Until(); ok && until.Sub(now) < calendarNotice {
			ds.Warn(c.Pos, pack.CodeCalendarEnds, "the calendar %s knows the holidays until %s; beyond that it counts weekends only", c.ID,
				until.AddDate(0, 0, -1).Format(time.DateOnly))
		}
	}
	return ds
}

const (
	readme        = "README.md"
	detectorsFile = "detectors.yaml"
	casesFile     = "cases.yaml"
	plansFile     = "plans.yaml"
	basinsFile    = "basins.yaml"
	chainsFile    = "chains.yaml"
)

// others are the packs that a checked one may refer to: those that are checked, and the shipped ones of other names.
func (ps Packs) others(checked Report) []*Domain {
	var all []*Domain
	names := map[string]bool{}
	for i := range checked {
		all = append(all, &checked[i].Domain)
		names[checked[i].Pack.Name] = true
	}
	entries, _ := fs.ReadDir(ps.Shipped, ".") // what can't be read there is a test's to find
	for _, e := range entries {
		if files, err := fs.Sub(ps.Shipped, e.Name()); err == nil && !names[e.Name()] {
			if d, ds := Read(files, path.Join("packs", e.Name()), ps.Files); len(ds) == 0 {
				d.shipped = true
				all = append(all, d)
			}
		}
	}
	return all
}

// together is what is wrong with a pack among the others.
func together(d *Domain, all []*Domain) pack.Diagnostics {
	var ds pack.Diagnostics
	measured, packs, cases, opened := map[string]bool{}, map[string]*pack.Pack{}, map[string]bool{}, map[string]bool{}
	var caseIDs []string
	for _, o := range all {
		packs[o.Pack.Name] = o.Pack
		for _, k := range o.Pack.Kinds {
			for _, m := range k.Measures {
				measured[m] = true
			}
		}
		for _, x := range o.Detectors {
			opened[x.Opens.Case] = true
		}
		for _, c := range o.Cases {
			cases[c.ID] = true
			caseIDs = append(caseIDs, c.ID)
			if at := d.Pack.At(casesFile, c.ID); o.Pack.Name != d.Pack.Name && !at.IsZero() {
				ds.Add(at, pack.CodeTwice, "the pack %s has a case kind %q too; ids of case kinds are unique among all packs", o.Pack.Name, c.ID)
			}
		}
	}
	for _, o := range all {
		for _, c := range o.Calendars {
			if at := d.Pack.At(calendar.File, c.ID); o.Pack.Name != d.Pack.Name && !at.IsZero() {
				ds.Add(at, pack.CodeTwice, "the pack %s has a calendar %q too; ids of calendars are unique among all packs", o.Pack.Name, c.ID)
			}
		}
	}
	for _, p := range d.Pack.Properties {
		if !measured[p.ID] {
			ds.Warn(p.Pos, pack.CodeUnmeasured, "no kind of asset measures %s", strings.TrimPrefix(p.ID, d.Pack.Name+"/"))
		}
	}
	for _, k := range d.Pack.Kinds {
		for _, m := range k.Measures {
			name, property, _ := strings.Cut(m, "/")
			if o := packs[name]; o != nil && o.Property(m) == nil {
				ds.Add(k.Pos, pack.CodeReference, "%s measures %s, but the pack %s observes no %q%s", strings.TrimPrefix(k.ID, d.Pack.Name+"/"),
					m, name, property, pack.Suggest(property, names(o)))
			}
		}
	}
	for _, x := range d.Detectors {
		if id := x.Opens.Case; id != "" && !cases[id] {
			ds.Warn(d.Pack.At(detectorsFile, strings.TrimPrefix(x.ID, d.Pack.Name+"/"), "opens", "case"), pack.CodeReference,
				"no pack here has a case kind %q%s", id, pack.Suggest(id, caseIDs))
		}
	}
	ds = append(ds, signals(d, all)...)
	ds = append(ds, plans(d, all)...)
	ds = append(ds, chains(d, all)...)
	ds = append(ds, upward(d, all, caseIDs)...)
	ds = append(ds, warnings(d, all)...)
	ds = append(ds, posts(d, all)...)
	var known []string
	for _, c := range calendars(all) {
		known = append(known, c.ID)
	}
	for _, c := range d.Cases {
		if c.Calendar != "" && !slices.Contains(known, c.Calendar) {
			ds.Add(d.Pack.At(casesFile, c.ID, "calendar"), pack.CodeReference, "no pack here has a calendar %q%s", c.Calendar, pack.Suggest(c.Calendar, known))
		}
		if slices.Contains(c.OpenedBy, "alert") && !opened[c.ID] {
			ds.Warn(d.Pack.At(casesFile, c.ID), pack.CodeUnopened, "%s is opened by alerts, but no detector opens it", c.ID)
		}
	}
	return ds
}

// signals is what is wrong with the detectors and categories of other packs that a pack's detectors speak of: one that there is
// not never says anything, and nobody would miss it. What is of the pack itself its compiler has looked at.
func signals(d *Domain, all []*Domain) pack.Diagnostics {
	var ds pack.Diagnostics
	packs := map[string]*Domain{}
	for _, o := range all {
		packs[o.Pack.Name] = o
	}
	look := func(id, what string, at pack.Pos, known func(o *Domain) []string) {
		owner, name, _ := strings.Cut(id, "/")
		switch o := packs[owner]; {
		case id == "" || owner == d.Pack.Name:
		case o == nil:
			ds.Warn(at, pack.CodeReference, "no pack here is called %q, so nobody knows whether it has a %s %q", owner, what, name)
		case !slices.Contains(known(o), id):
			ds.Add(at, pack.CodeReference, "the pack %s has no %s %q%s", owner, what, name, pack.Suggest(id, known(o)))
		}
	}
	detectors := func(o *Domain) (ids []string) {
		for _, x := range o.Detectors {
			ids = append(ids, x.ID)
		}
		return ids
	}
	categories := func(o *Domain) (ids []string) {
		for _, c := range o.Pack.Categories {
			if c.Place {
				ids = append(ids, c.ID)
			}
		}
		return ids
	}
	for _, x := range d.Detectors {
		id := strings.TrimPrefix(x.ID, d.Pack.Name+"/")
		for _, up := range x.SuppressedUpstream {
			look(up, "detector", d.Pack.At(detectorsFile, id, "suppressed_from_upstream"), detectors)
		}
		if x.Joins == nil {
			continue
		}
		for _, m := range x.Joins.Of {
			look(m.Alert, "detector", d.where("alert", m.Alert), detectors)
			look(m.Reports, "category of reports about places", d.where("reports", m.Reports), categories)
			owner, _, _ := strings.Cut(m.Alert, "/")
			if o := packs[owner]; o != nil && owner != d.Pack.Name {
				if i := slices.IndexFunc(o.Detectors, func(x *engine.Detector) bool { return x.ID == m.Alert }); i >= 0 && o.Detectors[i].Joins != nil {
					ds.Add(d.where("alert", m.Alert), pack.CodeCircle, "%s joins others itself; only rules that judge readings can be joined", m.Alert)
				}
			}
		}
	}
	return ds
}

// where is the first place at which a name stands under a key in the pack's detectors.
func (d *Domain) where(key, name string) pack.Pos {
	for _, s := range d.Pack.Under(detectorsFile, key) {
		if s.Value == name {
			return s.Pos
		}
	}
	return pack.Pos{}
}

// plans is what is wrong with a pack's plans among the others.
func plans(d *Domain, all []*Domain) pack.Diagnostics {
	var ds pack.Diagnostics
	packs, detectors, kinds := map[string]bool{}, []string{}, []string{}
	for _, o := range all {
		packs[o.Pack.Name] = true
		for _, x := range o.Detectors {
			detectors = append(detectors, x.ID)
		}
		for _, k := range o.Pack.Kinds {
			kinds = append(kinds, k.ID)
		}
		for _, p := range o.Plans {
			if at := d.Pack.At(plansFile, p.ID); o.Pack.Name != d.Pack.Name && !at.IsZero() {
				ds.Add(at, pack.CodeTwice, "the pack %s has a plan %q too; ids of plans are unique among all packs", o.Pack.Name, p.ID)
			}
		}
	}
	for _, b := range d.Basins {
		i := slices.IndexFunc(d.Plans, func(p *plan.Plan) bool { return p.ID == b.Plan })
		switch {
		case i < 0:
			var offered []string
			for _, p := range d.Plans {
				offered = append(offered, p.ID)
			}
			ds.Add(d.Pack.At(basinsFile, b.ID, "plan"), pack.CodeReference, "the pack has no plan %q%s", b.Plan, pack.Suggest(b.Plan, offered))
		case d.Plans[i].Agency(b.Agency) == nil:
			ds.Add(d.Pack.At(basinsFile, b.ID, "agency"), pack.CodeReference, "the plan %s has no agency %q", b.Plan, b.Agency)
		}
	}
	for _, p := range d.Plans {
		lookup := func(names []string, what string, known []string, key string) {
			for _, name := range names {
				if owner, _, _ := strings.Cut(name, "/"); !slices.Contains(known, name) {
					at := d.Pack.At(plansFile, p.ID, key)
					if packs[owner] {
						ds.Add(at, pack.CodeReference, "%s: there is no %s %q%s", p.ID, what, name, pack.Suggest(name, known))
					} else {
						ds.Warn(at, pack.CodeReference, "%s: no pack here has a %s %q%s", p.ID, what, name, pack.Suggest(name, known))
					}
				}
			}
		}
		if known := hazards(all); len(known) > 0 {
			for _, h := range p.Hazards() {
				if slices.Contains(known, h) {
					continue
				}
				key := "levels"
				if h == p.About {
					key = "about"
				}
				ds.Add(d.Pack.At(plansFile, p.ID, key), pack.CodeReference, "there is no hazard %q%s", h, pack.Suggest(h, known))
			}
		}
		heard, of := p.Elsewhere()
		lookup(heard, "detector", detectors, "levels")
		lookup(of, "kind of asset", kinds, "agencies")
	}
	return ds
}

// chains is what is wrong with a pack's chains of notices among the others.
func chains(d *Domain, all []*Domain) pack.Diagnostics {
	var ds pack.Diagnostics
	packs := map[string]bool{}
	for _, o := range all {
		packs[o.Pack.Name] = true
		if o.shipped { // a city's own chain takes the place of a shipped one
			continue
		}
		for _, c := range o.Chains {
			if at := d.Pack.At(chainsFile, c.ID); o.Pack.Name != d.Pack.Name && !at.IsZero() {
				ds.Add(at, pack.CodeTwice, "the pack %s has a chain %q too; ids of chains are unique among all packs", o.Pack.Name, c.ID)
			}
			for _, mine := range d.Chains {
				if news := mine.Both(c); o.Pack.Name != d.Pack.Name && news != "" {
					ds.Add(d.Pack.At(chainsFile, mine.ID, "begins"), pack.CodeTwice, "the chain %s of the pack %s begins with %s, too", c.ID, o.Pack.Name, news)
				}
			}
		}
	}
	for _, c := range d.Chains {
		if c.Begins == nil {
			continue
		}
		for _, p := range c.Begins.Of {
			if !packs[p] {
				ds.Warn(d.Pack.At(chainsFile, c.ID, "begins", "of"), pack.CodeReference, "there is no pack %q here%s", p, pack.Suggest(p, slices.Sorted(maps.Keys(packs))))
			}
		}
	}
	return ds
}

// upward is what is wrong with a pack's reports upward among the others.
func upward(d *Domain, all []*Domain, caseIDs []string) pack.Diagnostics {
	var ds pack.Diagnostics
	for _, u := range d.Upward {
		if !slices.Contains(caseIDs, u.Case) {
			ds.Warn(u.Pos, pack.CodeReference, "no pack here has a case kind %q%s", u.Case, pack.Suggest(u.Case, caseIDs))
		}
		for _, o := range all {
			if o.Pack.Name != d.Pack.Name && slices.ContainsFunc(o.Upward, func(x *watch.Rules) bool { return x.Case == u.Case }) {
				ds.Add(u.Pos, pack.CodeTwice, "the pack %s says what is reported of %q too; only one can", o.Pack.Name, u.Case)
			}
		}
	}
	return ds
}

func names(p *pack.Pack) []string {
	var out []string
	for _, x := range p.Properties {
		out = append(out, strings.TrimPrefix(x.ID, p.Name+"/"))
	}
	return out
}

// Write says the problems, and sums each pack up in a line.
func (r Report) Write(w io.Writer) {
	for _, c := range r {
		if len(c.Problems) > 0 {
			fmt.Fprintln(w, c.Problems.Error())
		}
	}
	for _, c := range r {
		errs, warnings := c.count()
		var parts []string
		if errs == 0 {
			parts = append(parts, plural(len(c.Detectors), "detector")+", "+plural(len(c.Cases), "case kind"))
			if len(c.Plans) > 0 {
				parts[0] += ", " + plural(len(c.Plans), "plan")
			}
			if len(c.Chains) > 0 {
				parts[0] += ", " + plural(len(c.Chains), "chain")
			}
		}
		parts = append(parts, found(errs, warnings))
		fmt.Fprintf(w, "%s: %s\n", c.Pack.Dir(), strings.Join(parts, ": "))
	}
}

// JSON writes the problems as one list, for editors and other programs.
func (r Report) JSON(w io.Writer) error {
	type linked struct {
		pack.Diagnostic
		Docs string `json:"docs"`
	}
	list := []linked{}
	for _, c := range r {
		for _, d := range c.Problems {
			list = append(list, linked{d, pack.Anchor(d.Code)})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(list)
}

// Summary counts what was found in all packs: "2 errors, 1 warning".
func (r Report) Summary() string {
	errs, warnings := 0, 0
	for _, c := range r {
		e, w := c.count()
		errs, warnings = errs+e, warnings+w
	}
	return found(errs, warnings)
}

func found(errs, warnings int) string {
	switch {
	case errs+warnings == 0:
		return "no problem"
	case errs == 0:
		return plural(warnings, "warning")
	case warnings == 0:
		return plural(errs, "error")
	}
	return plural(errs, "error") + ", " + plural(warnings, "warning")
}

// ExitCode is 0 where nothing was found, 1 where a pack has errors, 3 where there are warnings only.
func (r Report) ExitCode() int {
	code := 0
	for _, c := range r {
		errs, warnings := c.count()
		switch {
		case errs > 0:
			return 1
		case warnings > 0:
			code = 3
		}
	}
	return code
}

func (c Checked) count() (errs, warnings int) {
	for _, d := range c.Problems {
		if d.Severity == pack.Warning {
			warnings++
		} else {
			errs++
		}
	}
	return errs, warnings
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
