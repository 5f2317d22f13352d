package city

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/city/tabular"
)

// holdings are what a list's drafts are held against: one consistent picture of the register.
type holdings struct {
	revision int64
	stored   map[string]*record          // the list itself, by key
	ids      map[string]map[string]int64 // ids by external id, for the lists that are referred to
	areas    *atlas
	places   map[string]*record // when areas change: the places, whose cells may change
	kinds    map[string]Kind
	resited  map[int64][]time.Time // re-sitings within the window, oldest first, by id
}

// verdict is what checking the drafts came to.
type verdict struct {
	changes   []change
	unchanged int
	problems  []tabular.Problem
	notes     []tabular.Problem
	areas     *atlas            // when areas change: the atlas with the changes
	moved     map[string]string // when areas change: places by external id, with the area they lie in from now on
}

// change is a record that has to be written.
type change struct {
	record
	added   bool
	resited bool // an existing thing gets another site
}

// checker holds drafts against the register. It is pure: no SQL, no clock of its own.
type checker struct {
	list *list
	have holdings
	now  time.Time
	// outside takes places outside the grid: see ImportOptions.
	outside bool
	verdict
}

func (c *checker) problem(d *draft, field, format string, args ...any) {
	s := spot{d.line, 1}
	if i := c.list.index(field); i >= 0 {
		s = d.spots[i]
	}
	c.problems = append(c.problems, tabular.Problem{Line: s.line, Column: s.column, Field: field, Message: fmt.Sprintf(format, args...)})
}

// check merges the drafts into what is stored and looks at the outcome as a whole.
func (c *checker) check(drafts []draft) {
	inFile := make(map[string]bool, len(drafts))
	for i := range drafts {
		if c.list.name != Duties {
			inFile[drafts[i].values[0]] = true
		}
	}
	for i := range drafts {
		d := &drafts[i]
		c.defaults(d)
		old := c.have.stored[c.list.key(&d.record)]
		c.merge(d, old)
		c.required(d)
		c.references(d, inFile)
		switch c.list.name {
		case Areas:
			c.residents(d)
		case Places:
			c.place(d)
		case Assets:
			c.asset(d, old)
		case Duties:
			c.duty(d)
		}
		if old != nil && slices.Equal(old.values, d.values) && old.area == d.area {
			c.unchanged++
			continue
		}
		ch := change{record: d.record, added: old == nil}
		if old != nil {
			ch.id = old.id
			ch.resited = c.resiting(d, old)
		}
		c.changes = append(c.changes, ch)
	}
	if c.list.name == Duties {
		c.dutiesTwice(drafts)
	}
	if c.list.index("parent") >= 0 {
		c.circles(drafts)
	}
	if c.list.name == Assets {
		c.links(drafts)
	}
	if c.list.name == Areas && len(c.problems) == 0 && !slices.ContainsFunc(drafts, draft.incomplete) {
		c.nesting(drafts)
	}
}

// merge fills in what the file doesn't speak of: a column that is absent leaves a field as it is, an empty cell clears it.
func (c *checker) merge(d *draft, old *record) {
	if old == nil {
		return
	}
	for i := range d.values {
		if !d.given[i] {
			d.values[i] = old.values[i]
			if c.list.fields[i].form == formGeometry && d.values[i] != "" {
				d.shape = storedShape(d.values[i])
			}
		}
	}
}

// defaults fills in what may be left out of a duty, before its key is looked up.
func (c *checker) defaults(d *draft) {
	if c.list.name == Duties {
		if i := c.list.index("role"); d.values[i] == "" && !d.given[i] {
			if old := c.have.stored[c.list.key(&d.record)]; old == nil {
				d.values[i] = "lead"
			}
		} else if d.values[i] == "" {
			d.values[i] = "lead"
		}
	}
}

func (c *checker) required(d *draft) {
	for i, f := range c.list.fields {
		switch {
		case !f.required || d.values[i] != "" || d.refused[i]:
		case f.form == formGeometry:
			c.problem(d, f.name, "a geometry is needed")
		case !d.given[i]:
			c.problem(d, f.name, "%q is new to the register, and a new record needs the field %q", d.values[0], f.name)
		default:
			c.problem(d, f.name, "this must not be empty")
		}
	}
	if !c.list.named {
		return
	}
	en, zh := c.list.index("name_en"), c.list.index("name_zh")
	if d.values[en] == "" && d.values[zh] == "" && !d.refused[en] && !d.refused[zh] {
		c.problem(d, "name_en", "a name is needed, in name_en or name_zh")
	}
}

func (c *checker) references(d *draft, inFile map[string]bool) {
	for i, f := range c.list.fields {
		var keys []string
		switch {
		case f.form == formReference && d.values[i] != "":
			keys = []string{d.values[i]}
		case f.form == formReferences:
			keys = keysOf(d.values[i])
		}
		for _, v := range keys {
			if _, ok := c.have.ids[f.of][v]; ok || (f.of == c.list.name && inFile[v]) {
				continue
			}
			c.problem(d, f.name, "unknown %s %q%s", strings.TrimSuffix(f.of, "s"), v, c.suggestKey(f.of, v, inFile))
		}
	}
}

// suggestKey looks for a similar external id among all that there are, but only while that is quick.
func (c *checker) suggestKey(of, v string, inFile map[string]bool) string {
	if len(c.problems) > 100 || len(c.have.ids[of]) > 100_000 {
		return ""
	}
	var keys []string
	for k := range c.have.ids[of] {
		keys = append(keys, k)
	}
	if of == c.list.name {
		for k := range inFile {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return fmt.Sprintf(": there are no %s yet, import them first", of)
	}
	return suggest(v, keys)
}

// circles refuses areas and organisations that lie within themselves.
func (c *checker) circles(drafts []draft) {
	p := c.list.index("parent")
	parent := make(map[string]string, len(c.have.stored)+len(drafts))
	for k, r := range c.have.stored {
		parent[k] = r.values[p]
	}
	for _, d := range drafts {
		parent[d.values[0]] = d.values[p]
	}
	for i := range drafts {
		d := &drafts[i]
		seen := map[string]bool{d.values[0]: true}
		for up := parent[d.values[0]]; up != ""; up = parent[up] {
			if up == d.values[0] {
				c.problem(d, "parent", "%q lies within itself by way of its parents", d.values[0])
			}
			if seen[up] {
				break
			}
			seen[up] = true
		}
	}
}

// nesting looks at the areas as they would be after the import: each lies in its parent, grid cells are the lowest and
// don't overlap, and no place loses its cell.
func (c *checker) nesting(drafts []draft) {
	l := c.list
	merged := make(map[string]*record, len(c.have.stored)+len(drafts))
	for k, r := range c.have.stored {
		merged[k] = r
	}
	for i := range drafts {
		merged[drafts[i].values[0]] = &drafts[i].record
	}
	plots := make([]plot, 0, len(merged))
	for k, r := range merged {
		shape := r.shape
		if shape.IsEmpty() {
			shape = storedShape(l.get(r, "geometry"))
		}
		plots = append(plots, plot{id: r.id, key: k, level: l.get(r, "level"), parent: l.get(r, "parent"), shape: shape})
	}
	byKey := make(map[string]*draft, len(drafts))
	for i := range drafts {
		byKey[drafts[i].values[0]] = &drafts[i]
	}
	a, err := newAtlas(plots)
	var bad *misshapen
	if errors.As(err, &bad) && byKey[bad.key] != nil {
		c.problem(byKey[bad.key], "geometry", "%v", bad.why)
		return
	}
	if err != nil {
		c.problems = append(c.problems, tabular.Problem{Message: err.Error()})
		return
	}
	changed := map[string]*draft{}
	for _, ch := range c.changes {
		changed[ch.values[0]] = byKey[ch.values[0]]
	}
	// A change of the parent alone concerns children that the file may not name: all areas are looked at, and an error in
	// one that the file doesn't name is shown at the parent that it does.
	for key, n := range a.byKey {
		d := changed[key]
		if n.parent == nil {
			continue
		}
		if d == nil {
			d = changed[n.parent.key]
		}
		if d == nil {
			continue
		}
		if n.parent.level == GridLevel {
			c.problem(d, "parent", "%q is a grid cell, and cells are the lowest areas: %q can't lie in it", n.parent.key, key)
		}
		if x, y, ok := pointOf(n.shape); ok && !n.parent.covers(x, y) {
			c.problem(d, "geometry", "%q does not lie in its parent %q", key, n.parent.key)
		}
	}
	c.overlaps(a, changed)
	c.counted(a, merged, changed)
	if len(c.problems) > 0 {
		return
	}
	c.areas = a
	c.settle(a)
}

// cellOverlap is the share of the smaller cell that two cells may have in common: borders are drawn by hand.
const cellOverlap = 0.01

// overlaps refuses changed grid cells that cover another one's ground.
func (c *checker) overlaps(a *atlas, changed map[string]*draft) {
	for key, d := range changed {
		n := a.byKey[key]
		if n.level != GridLevel {
			continue
		}
		a.tree.Search(n.min, n.max, func(_, _ [2]float64, m *node) bool {
			if m.level != GridLevel || m == n || (changed[m.key] != nil && m.key < n.key) {
				return true
			}
			smaller := min(n.shape.Area(), m.shape.Area())
			w := min(n.max[0], m.max[0]) - max(n.min[0], m.min[0])
			h := min(n.max[1], m.max[1]) - max(n.min[1], m.min[1])
			if w*h <= cellOverlap*smaller {
				return true // their boxes hardly meet: spare the costly question
			}
			common, err := geom.Intersection(n.shape, m.shape)
			if err != nil {
				c.problem(d, "geometry", "can't be compared with grid cell %q: %v", m.key, err)
			} else if share := common.Area() / smaller; share > cellOverlap {
				c.problem(d, "geometry", "overlaps grid cell %q by %.0f %% of the smaller one: a place would lie in two cells", m.key, share*100)
			}
			return true
		})
	}
}

// settle finds the area of every place anew.
func (c *checker) settle(a *atlas) {
	c.moved = map[string]string{}
	outside := 0
	var keys []string
	for key := range c.have.places {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		p := c.have.places[key]
		area, was := "", p.area
		n := a.at(p.at[0], p.at[1])
		if n != nil {
			area = n.key
		}
		inCell := n != nil && n.level == GridLevel
		if old := c.have.areas.node(was); old != nil && old.level == GridLevel && !inCell {
			c.problems = append(c.problems, tabular.Problem{Message: fmt.Sprintf(
				"place %q lies in grid cell %q now and would lie in none", key, was)})
			continue
		}
		if a.cells > 0 && !inCell {
			outside++
		}
		if area != was {
			c.moved[key] = area
		}
	}
	if outside > 0 {
		c.notes = append(c.notes, tabular.Problem{Message: fmt.Sprintf("%d places lie in no grid cell yet", outside)})
	}
}

// node is the area with an external id, nil for none.
func (a *atlas) node(key string) *node {
	if a == nil {
		return nil
	}
	return a.byKey[key]
}

// place finds a place's area: exactly one grid cell when there are cells.
func (c *checker) place(d *draft) {
	x, y, ok := pointOf(d.shape)
	if !ok {
		return
	}
	if c.have.areas.empty() {
		return
	}
	if c.have.areas.cells == 0 {
		if n := c.have.areas.at(x, y); n != nil {
			d.area = n.key
		}
		return
	}
	cells, inside := c.have.areas.cellsAt(x, y)
	switch {
	case len(cells) == 0 && c.outside:
	case len(cells) == 0:
		c.problem(d, "geometry", "lies in no grid cell (at %s, %s): every place of the city lies in exactly one; "+
			"if it is meant to lie outside, say so with outside", number(x), number(y))
	case inside > 1:
		var keys []string
		for _, n := range cells {
			keys = append(keys, n.key)
		}
		c.problem(d, "geometry", "lies in %d grid cells (%s): every place lies in exactly one", len(cells), strings.Join(keys, ", "))
	default:
		d.area = cells[0].key
	}
}

// flat finds what tells one home from another within a building.
var flat = regexp.MustCompile(`(?i)\d+\s*(?:室|户|号房)|\b(?:flat|apt|apartment|unit|room)\.?\s*(?:no\.?\s*)?\d`)

var flatNames = []string{"flat", "flat_no", "apartment", "room", "room_no", "unit_no", "door", "房号", "户号", "室号", "门牌", "房间号"}

// asset applies the rules that a kind brings.
func (c *checker) asset(d *draft, old *record) {
	k := c.list.index("kind")
	kind, ok := c.have.kinds[d.values[k]]
	if !ok && d.values[k] != "" {
		kind, ok = c.bareKind(d.values[k])
		if !ok {
			c.problem(d, "kind", "no pack has the kind %q%s", d.values[k], suggest(d.values[k], c.kindNames()))
			return
		}
		d.values[k] = kind.ID
	}
	if kind.Home {
		d.values[c.list.index("premises")] = PremisesHome
	}
	if old != nil && kind.Mobile && !c.have.kinds[old.values[k]].Mobile {
		c.problem(d, "kind", "an asset that stands can't become a mobile instrument: register the instrument as a new asset")
	}
	if c.list.get(&d.record, "premises") == PremisesHome {
		for _, f := range []string{"name_en", "name_zh"} {
			if flat.MatchString(c.list.get(&d.record, f)) {
				c.problem(d, f, "an asset in a home names the building only: the flat belongs in the vault of a case")
			}
		}
		for _, name := range d.names {
			if slices.Contains(flatNames, strings.ToLower(name)) {
				c.problem(d, "properties", "an asset in a home names the building only: the property %q belongs in the vault of a case", name)
			}
		}
	}
}

// bareKind finds "kitchen-alarm" where only one pack has a kind of that name.
func (c *checker) bareKind(name string) (found Kind, ok bool) {
	for id, k := range c.have.kinds {
		if strings.HasSuffix(id, "/"+name) {
			if ok {
				return Kind{}, false
			}
			found, ok = k, true
		}
	}
	return found, ok
}

func (c *checker) kindNames() []string {
	var names []string
	for id := range c.have.kinds {
		names = append(names, id)
	}
	return names
}

// resiting says whether a thing that doesn't move gets another site, and refuses to when that happens too often.
func (c *checker) resiting(d *draft, old *record) bool {
	l := c.list
	if l.name != Places && l.name != Assets {
		return false
	}
	same := l.get(&d.record, "geometry") == l.get(old, "geometry")
	if l.name == Assets {
		same = same && l.get(&d.record, "place") == l.get(old, "place")
		if c.have.kinds[l.get(&d.record, "kind")].Mobile {
			return false
		}
	}
	if same {
		return false
	}
	recent := 0
	for _, at := range c.have.resited[old.id] {
		if c.now.Sub(at) < ResitingWindow {
			recent++
		}
	}
	if recent >= MaxResitings {
		c.problem(d, "geometry", "re-sited %d times within 24 hours: only mobile instruments move, other things get a new site at most %d times a day", recent, MaxResitings)
	}
	return true
}

// duty holds what is particular about duties: exactly one subject.
func (c *checker) duty(d *draft) {
	var over []string
	for _, f := range []string{SubjectArea, SubjectPlace, SubjectAsset} {
		if c.list.get(&d.record, f) != "" {
			over = append(over, f)
		}
	}
	if len(over) != 1 && !d.incomplete() {
		got := "none"
		if len(over) > 1 {
			got = strings.Join(over, " and ")
		}
		c.problem(d, "", "a duty is over exactly one of area, place and asset, this names %s", got)
	}
}

// dutiesTwice refuses a file that says two things of one duty.
func (c *checker) dutiesTwice(drafts []draft) {
	first := map[string]int{}
	for i := range drafts {
		d := &drafts[i]
		if d.incomplete() {
			continue // what was refused may be what tells it from another
		}
		key := c.list.key(&d.record)
		if line, twice := first[key]; twice {
			c.problem(d, "", "the same duty stands in line %d already", line)
			continue
		}
		first[key] = d.line
	}
}
