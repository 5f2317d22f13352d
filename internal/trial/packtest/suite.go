package packtest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/trial/casetest"
)

// Suite is a pack with its tests.
type Suite struct {
	Dir   string // as shown to people
	Pack  *pack.Pack
	Tests []*Test          // of detectors, in the order of the files and of what stands in them
	Cases []*casetest.Test // of kinds of case, likewise

	files   fs.FS
	rules   rules     // compiled
	written []ruleDoc // as they stand in the file
	law     casetest.Law
}

// RulesFile is the file whose rules are tested.
const RulesFile = "detectors.yaml"

// ruleDoc is what the tests need to know of a rule as it stands in the file: its levels and where its numbers stand. What
// else stands there is the detector room's business, which has compiled it already.
type ruleDoc struct {
	ID     pack.String        `yaml:"id"`
	Levels pack.Map[levelDoc] `yaml:"levels"`
	Clear  *levelDoc          `yaml:"clear"`
	Silent pack.Duration      `yaml:"silent_after"`
	Stuck  *stuckDoc          `yaml:"stuck"`
	Inputs pack.Map[struct {
		Silent pack.Duration `yaml:"silent_after"`
		Stuck  *stuckDoc     `yaml:"stuck"`
	}] `yaml:"inputs"`
	Opens *struct {
		Case pack.String `yaml:"case"`
	} `yaml:"opens"`
	Joins *struct {
		Of []struct {
			AtLeast pack.Phrase `yaml:"at_least"`
		} `yaml:"of"`
	} `yaml:"joins"`
}

// silentAt is where the rule first says that it misses instruments; nowhere: it doesn't.
func (r *ruleDoc) silentAt() pack.Pos {
	at := r.Silent.Pos
	for _, in := range r.Inputs {
		if at.IsZero() {
			at = in.Value.Silent.Pos
		}
	}
	return at
}

// stuckAt is where it first says that it finds those whose value doesn't move.
func (r *ruleDoc) stuckAt() pack.Pos {
	all := []*stuckDoc{r.Stuck}
	for _, in := range r.Inputs {
		all = append(all, in.Value.Stuck)
	}
	for _, x := range all {
		if x != nil {
			return x.After.Pos
		}
	}
	return pack.Pos{}
}

type stuckDoc struct {
	After pack.Duration `yaml:"after"`
}

type levelDoc struct {
	When pack.Phrase   `yaml:"when"`
	For  pack.Duration `yaml:"for"`
}

func (r *ruleDoc) level(name string) bool { return slices.Contains(r.Levels.Keys(), name) }

// Load reads the pack in files and its tests. dir is what people call the folder, calendars are those of other packs. All problems
// come at once, as pack.Diagnostics.
func Load(files fs.FS, dir string, calendars ...*calendar.Calendar) (*Suite, error) {
	return load(files, dir, false, calendars)
}

// LoadStories is Load for whoever wants to play what the tests tell, and not to hold it against what they expect: of the
// rules that the tests speak of some may be gone.
func LoadStories(files fs.FS, dir string) (*Suite, error) { return load(files, dir, true, nil) }

func load(files fs.FS, dir string, stories bool, calendars []*calendar.Calendar) (*Suite, error) {
	p, err := pack.Load(files, dir)
	if err != nil {
		return nil, err
	}
	s := &Suite{Dir: dir, Pack: p, files: files}
	var ds pack.Diagnostics
	s.rules, err = compile(p)
	ds.Join(err)
	s.law.Kinds, err = lifecycle.Kinds(p)
	ds.Join(err)
	own, err := calendar.Read(p)
	ds.Join(err)
	s.law.Calendars = append(slices.Clone(calendars), own...) // of two of one name the pack's own counts
	// The detector room has just said what is wrong with the file; here keys that only it knows are no mistake.
	_ = p.Decode(RulesFile, &s.written)
	for _, file := range p.Files() {
		if ok, _ := path.Match(pack.Tests, file); !ok {
			if strings.Contains(strings.ToLower(file), "test") { // "no tests, all passed" would be a lie
				ds = append(ds, pack.Diagnostic{Path: p.Path(file), Code: pack.CodeUnread, Severity: pack.Error,
					Message: fmt.Sprintf("nothing reads this file; files of tests are called %s, such as detectors_test.yaml", pack.Tests)})
			}
			continue
		}
		var docs []testDoc
		ds.Join(p.Decode(file, &docs))
		first := map[string]pack.Pos{}
		for i := range docs {
			name := docs[i].Name
			if at, twice := first[name.Value]; twice && name.Value != "" {
				ds.Add(name.Pos, pack.CodeTwice, "a test of this name stands here a second time; the first is in line %d", at.Line)
			}
			first[name.Value] = name.Pos
			if docs[i].isCase() {
				s.Cases = append(s.Cases, s.caseTest(&docs[i], file, &ds))
				continue
			}
			m := maker{Diagnostics: &ds, suite: s, stories: stories}
			s.Tests = append(s.Tests, m.test(&docs[i], file))
		}
	}
	if len(s.Cases) > 0 {
		s.uncounted(&ds)
	}
	if err := ds.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// uncounted notes the kinds that count by a calendar that is not there.
func (s *Suite) uncounted(ds *pack.Diagnostics) {
	var known []string
	for _, c := range s.law.Calendars {
		known = append(known, c.ID)
	}
	for _, k := range s.law.Kinds {
		if k.Calendar != "" && !slices.Contains(known, k.Calendar) {
			ds.Add(s.Pack.At(lifecycle.File, k.ID, "calendar"), pack.CodeReference, "no pack here has a calendar %q%s", k.Calendar, pack.Suggest(k.Calendar, known))
		}
	}
}

// isCase says that a test is of a kind of case.
func (doc *testDoc) isCase() bool { return !doc.Case.IsZero() || doc.Steps != nil }

// caseTest makes a test of a kind of case.
func (s *Suite) caseTest(doc *testDoc, file string, ds *pack.Diagnostics) *casetest.Test {
	if doc.Case.IsZero() {
		ds.Add(doc.Pos, pack.CodeRequired, "a test with steps says which kind of case it is about: case: …")
	}
	for _, other := range []struct {
		key  string
		at   pack.Pos
		some bool
	}{
		{"series", first(doc.Series), len(doc.Series) > 0}, {"assets", first(doc.Assets), len(doc.Assets) > 0},
		{"places", first(doc.Places), len(doc.Places) > 0}, {"every", doc.Every.Pos, !doc.Every.IsZero()}, {"until", doc.Until.Pos, !doc.Until.IsZero()},
	} {
		if other.some {
			ds.Add(other.at, pack.CodeValue, "%s belongs to a test of detectors, and this one is of a kind of case", other.key)
		}
	}
	if _, err := time.Parse(time.RFC3339, doc.Start.Value); err != nil && !doc.Start.IsZero() {
		ds.Add(doc.Start.Pos, pack.CodeValue, "start needs a time with its offset, such as 2026-01-05T08:00:00+08:00, not %q", doc.Start.Value)
	}
	return casetest.Maker{Diagnostics: ds, Pack: s.Pack, Kinds: s.law.Kinds}.Test(doc.Name, doc.Start.Value, &doc.Doc, file, doc.Pos)
}

func first[T any](m pack.Map[T]) pack.Pos {
	if len(m) == 0 {
		return pack.Pos{}
	}
	return m[0].Key.Pos
}

// rule is the rule with that id within the pack, or nil.
func (s *Suite) rule(id string) *ruleDoc {
	for i := range s.written {
		if s.written[i].ID.Value == id {
			return &s.written[i]
		}
	}
	return nil
}

func (s *Suite) ruleIDs() []string {
	var ids []string
	for _, r := range s.written {
		ids = append(ids, r.ID.Value)
	}
	return ids
}

// short is an id without the pack's own name before it.
func (s *Suite) short(id string) string { return strings.TrimPrefix(id, s.Pack.Name+"/") }
