package packtest

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/trial/notation"
)

// Test is one test, ready to run.
type Test struct {
	Name   string
	File   string   // in the pack's folder
	Pos    pack.Pos // of its name
	Expect []Expectation

	begins int // its first line

	story story
}

// Expectation is one step of one alert that must come. Empty fields may be anything.
type Expectation struct {
	Detector     string        // within the pack
	From, To     time.Duration // when, both included
	Level        string
	Cleared      bool
	Fault        string // silent, stuck, comms; "" for a hazard
	Asset, Place string
	Area, Opens  string
	Text         words // each is part of the text
	Pos          pack.Pos

	doc expectDoc
}

// LongestTest is how long a test may last: a rule that learns for weeks can be tested, a typing error ends.
const LongestTest = 400 * 24 * time.Hour

// maker makes one test of what is written, and notes what is wrong with it.
type maker struct {
	*pack.Diagnostics
	suite   *Suite
	story   *story
	stories bool // what is expected need not make sense

	places map[string]*place
	areas  map[string]*area
	owners map[string]int64
	assets map[string]*asset
	series map[string]*instrument
}

func (m maker) test(doc *testDoc, file string) *Test {
	t := &Test{Name: doc.Name.Value, File: file, Pos: doc.Name.Pos, begins: doc.Pos.Line}
	m.story = &t.story
	m.places, m.areas, m.owners = map[string]*place{}, map[string]*area{}, map[string]int64{}
	m.assets, m.series = map[string]*asset{}, map[string]*instrument{}
	t.story.every = doc.Every.Value
	var err error
	if t.story.start, err = time.Parse(time.RFC3339, doc.Start.Value); err != nil && !doc.Start.IsZero() {
		m.Add(doc.Start.Pos, pack.CodeValue, "start needs a time with its offset, such as 2026-01-05T08:00:00+08:00, not %q", doc.Start.Value)
	}
	for _, e := range doc.Places {
		m.declarePlace(e)
	}
	for _, e := range doc.Assets {
		m.declareAsset(e)
	}
	m.links(doc)
	for _, e := range doc.Series {
		m.declareSeries(e)
	}
	for i := range doc.Late {
		m.late(&doc.Late[i])
	}
	for i := range doc.Reports {
		m.report(&doc.Reports[i])
	}
	if doc.Expect != nil {
		e := m
		if m.stories {
			e.Diagnostics = &pack.Diagnostics{}
		}
		for i := range *doc.Expect {
			t.Expect = append(t.Expect, e.expectation(&(*doc.Expect)[i]))
		}
	}
	t.story.arrange()
	m.end(doc, t)
	return t
}

func (m *maker) declarePlace(e pack.Entry[placeDoc]) {
	p := m.place(e.Key.Value)
	p.title = titled(e.Value.Title, e.Key.Value)
	p.point = m.point(e.Value.Point)
	if a := e.Value.Area.Value; a != "" {
		p.area = m.area(a)
	}
}

// place finds or makes a place.
func (m *maker) place(name string) *place {
	if m.places[name] == nil {
		m.places[name] = &place{id: int64(1001 + len(m.places)), name: name, title: words{name, name}}
	}
	return m.places[name]
}

func (m *maker) area(name string) *area {
	if m.areas[name] == nil {
		m.areas[name] = &area{id: int64(2001 + len(m.areas)), name: name}
	}
	return m.areas[name]
}

func titled(t pack.Text, name string) words {
	if t.IsZero() {
		return words{name, name}
	}
	return words{t.In("en"), t.In("zh-CN")}
}

func (m *maker) point(ns []pack.Number) *[2]float64 {
	if len(ns) != 2 {
		return nil // left out, or noted by the decoder
	}
	lon, lat := ns[0].Value, ns[1].Value
	if lon < -180 || lon > 180 || lat < -90 || lat > 90 {
		m.Add(ns[0].Pos, pack.CodeValue, "[%g, %g] is no [longitude, latitude]", lon, lat)
	}
	return &[2]float64{lon, lat}
}

func (m *maker) declareAsset(e pack.Entry[assetDoc]) {
	kind := e.Value.Kind
	if kind.Value == "" {
		kind = pack.String{Value: m.kindIn(e.Key.Value), Pos: e.Key.Pos}
	}
	if kind.Value == "" {
		m.Add(e.Key.Pos, pack.CodeRequired, "%q says no kind, and is not called by one, such as %s-1", e.Key.Value, m.someKind())
	} else if p := m.suite.Pack; p.Kind(p.ID(kind.Value)) == nil && !strings.Contains(kind.Value, "/") {
		m.Add(kind.Pos, pack.CodeReference, "the pack has no kind of asset %q%s", kind.Value, pack.Suggest(kind.Value, m.kinds()))
	}
	a := m.asset(e.Key.Value, kind.Value)
	a.title, a.point = titled(e.Value.Title, e.Key.Value), m.point(e.Value.Point)
	if e.Value.Place.Value != "" {
		a.place = m.place(e.Value.Place.Value)
	}
	if o := e.Value.Organisation.Value; o != "" {
		if m.owners[o] == 0 {
			m.owners[o] = int64(3001 + len(m.owners))
		}
		a.organisation = m.owners[o]
	}
}

// asset makes an asset.
func (m *maker) asset(name, kind string) *asset {
	a := &asset{id: int64(4001 + len(m.assets)), name: name, title: words{name, name}, kind: m.suite.Pack.ID(kind)}
	m.assets[name] = a
	return a
}

var numbered = regexp.MustCompile(`-\d+$`)

// kindIn is the kind that an asset is called by: kitchen-alarm of kitchen-alarm-2; or "".
func (m *maker) kindIn(name string) string {
	if name = numbered.ReplaceAllString(name, ""); m.suite.Pack.Kind(m.suite.Pack.ID(name)) == nil {
		return ""
	}
	return name
}

func (m *maker) kinds() []string {
	var names []string
	for _, k := range m.suite.Pack.Kinds {
		names = append(names, m.suite.short(k.ID))
	}
	return names
}

func (m *maker) someKind() string {
	if kinds := m.kinds(); len(kinds) > 0 {
		return kinds[0]
	}
	return "kind"
}

// links joins the assets that feed others.
func (m *maker) links(doc *testDoc) {
	for _, e := range doc.Assets {
		for _, to := range e.Value.Feeds {
			if m.assets[to.Value] == nil {
				m.Add(to.Pos, pack.CodeReference, "the test has no asset %q%s", to.Value, pack.Suggest(to.Value, doc.Assets.Keys()))
				continue
			}
			m.assets[e.Key.Value].feeds = append(m.assets[e.Key.Value].feeds, m.assets[to.Value])
		}
	}
}

func (m *maker) declareSeries(e pack.Entry[pack.Phrase]) {
	steps, err := notation.Parse(e.Value.Source)
	var mistake *notation.Error
	if errors.As(err, &mistake) && !e.Value.IsZero() {
		m.Add(e.Value.Place(mistake.Column, mistake.Width), pack.CodeSeries, "%s", mistake.Reason)
	}
	name, observed, ok := strings.Cut(e.Key.Value, "/")
	if !ok {
		m.Add(e.Key.Pos, pack.CodeValue, "%q is no series; write asset/property, such as %s-1/…", e.Key.Value, m.someKind())
		return
	}
	a := m.assets[name]
	if a == nil {
		kind := m.kindIn(name)
		if kind == "" {
			m.Add(e.Key.Pos, pack.CodeReference, "the test has no asset %q%s; say under assets of which kind it is, or call it by its kind, such as %s-1",
				name, strings.TrimSuffix(pack.Suggest(name, append(m.kinds(), slices.Sorted(maps.Keys(m.assets))...)), "?"), m.someKind())
			return
		}
		a = m.asset(name, kind)
	}
	if a.place == nil {
		a.place = m.place(name)
	}
	p := m.suite.Pack
	in := &instrument{id: int64(1 + len(m.story.instruments)), name: e.Key.Value, asset: a, property: p.ID(observed), steps: steps}
	if prop := p.Property(in.property); prop != nil {
		in.unit, in.limits = prop.Unit, prop.Range[:]
	}
	if k := p.Kind(a.kind); k != nil && !slices.Contains(k.Measures, in.property) {
		var measured []string
		for _, id := range k.Measures {
			measured = append(measured, m.suite.short(id))
		}
		m.Add(e.Key.Pos, pack.CodeReference, "a %s does not measure %q%s", m.suite.short(k.ID), observed, pack.Suggest(observed, measured))
	}
	m.series[in.name] = in
	m.story.instruments = append(m.story.instruments, in)
	for i, step := range steps {
		if at := time.Duration(i) * m.story.every; !step.Missing {
			m.story.readings = append(m.story.readings, reading{of: in, at: at, arrives: at, value: step.Value})
		}
	}
}

func (m *maker) late(doc *lateDoc) {
	in := m.series[doc.Series.Value]
	if in == nil {
		if doc.Series.Value != "" {
			m.Add(doc.Series.Pos, pack.CodeReference, "the test has no series %q%s", doc.Series.Value,
				pack.Suggest(doc.Series.Value, slices.Sorted(maps.Keys(m.series))))
		}
		return
	}
	i := slices.IndexFunc(m.story.readings, func(r reading) bool { return r.of == in && r.at == doc.At.Value })
	switch {
	case doc.At.IsZero() || doc.Arrives.IsZero(): // noted by the decoder
	case i < 0:
		m.Add(doc.At.Pos, pack.CodeReference, "%s has no reading at %s", in.name, span(doc.At.Value))
	case doc.Arrives.Value < doc.At.Value:
		m.Add(doc.Arrives.Pos, pack.CodeValue, "a reading can't arrive before it was taken")
	default:
		m.story.readings[i].arrives = doc.Arrives.Value
	}
}

func (m *maker) report(doc *reportDoc) {
	id := m.suite.Pack.ID(doc.Category.Value)
	var known []string
	for _, c := range m.suite.Pack.Categories {
		if c.Place {
			known = append(known, m.suite.short(c.ID))
		}
	}
	if name := doc.Category; name.Value != "" && !strings.Contains(name.Value, "/") && !slices.Contains(known, name.Value) {
		m.Add(name.Pos, pack.CodeReference, "the pack has no category of reports about places %q%s", name.Value, pack.Suggest(name.Value, known))
	}
	if p := m.places[doc.Place.Value]; doc.Place.Value != "" && (p == nil || p.point == nil) {
		m.Add(doc.Place.Pos, pack.CodeRequired, "a report counts by where it is, so the place %q needs a point: places: {%s: {point: [121.5, 31.2]}}", doc.Place.Value, doc.Place.Value)
	}
	m.story.reports = append(m.story.reports, report{at: doc.At.Value, category: id, place: m.place(doc.Place.Value), text: doc.Text.Value})
}

func (m *maker) expectation(doc *expectDoc) Expectation {
	e := Expectation{
		Detector: doc.Detector.Value, Level: doc.Level.Value, Cleared: doc.Cleared, Fault: doc.fault(),
		Asset: doc.Asset.Value, Place: doc.Place.Value, Area: doc.Area.Value, Opens: doc.Opens.Value, Pos: doc.Pos, doc: *doc,
	}
	if doc.Text != nil {
		e.Text = words{doc.Text.EN.Value, doc.Text.ZH.Value}
	}
	switch {
	case !doc.At.IsZero():
		e.From, e.To = doc.At.Value, doc.At.Value
	case len(doc.Within) == 2:
		if e.From, e.To = doc.Within[0].Value, doc.Within[1].Value; e.From > e.To && !doc.Within[0].IsZero() && !doc.Within[1].IsZero() {
			m.Add(doc.Within[0].Pos, pack.CodeValue, "within needs the earliest time first")
		}
	default:
		e.To = doc.By.Value
	}
	if rule := m.suite.rule(e.Detector); rule == nil {
		if e.Detector != "" {
			m.Add(doc.Detector.Pos, pack.CodeReference, "the pack has no detector %q%s", e.Detector, pack.Suggest(e.Detector, m.suite.ruleIDs()))
		}
	} else {
		if e.Level != "" && !rule.level(e.Level) {
			m.Add(doc.Level.Pos, pack.CodeLevel, "%s never raises %s; it raises %s", e.Detector, e.Level, strings.Join(rule.Levels.Keys(), ", "))
		}
		switch at := doc.Detector.Pos; {
		case e.Fault == stuck && rule.stuckAt().IsZero():
			m.Add(at, pack.CodeReference, "%s has no key stuck, so it never looks whether a value moves", e.Detector)
		case (e.Fault == silent || e.Fault == comms) && rule.silentAt().IsZero():
			m.Add(at, pack.CodeReference, "%s has no key silent_after, so it never misses an instrument", e.Detector)
		}
		if o := doc.Opens; o.Value != "" && (rule.Opens == nil || rule.Opens.Case.Value != o.Value) {
			m.Add(o.Pos, pack.CodeReference, "%s opens no case of the kind %q", e.Detector, o.Value)
		}
	}
	m.known(doc.Asset, "asset", func(name string) bool { return m.assets[name] != nil })
	m.known(doc.Place, "place", func(name string) bool { return m.places[name] != nil })
	m.known(doc.Area, "area", func(name string) bool { return m.areas[name] != nil })
	return e
}

// fault is what is wrong with the watch, "" for a hazard.
func (doc *expectDoc) fault() string {
	switch {
	case doc.Silent:
		return silent
	case doc.Stuck:
		return stuck
	case doc.Comms:
		return comms
	}
	return ""
}

func (m *maker) known(name pack.String, what string, has func(string) bool) {
	if name.Value != "" && !has(name.Value) {
		m.Add(name.Pos, pack.CodeReference, "the test has no %s %q", what, name.Value)
	}
}

// end is when the clock stops: with the last thing that the test speaks of.
func (m *maker) end(doc *testDoc, t *Test) {
	s := &t.story
	for _, in := range s.instruments {
		s.end = max(s.end, time.Duration(len(in.steps)-1)*s.every)
	}
	for _, r := range s.readings {
		s.end = max(s.end, r.arrives)
	}
	for _, r := range s.reports {
		s.end = max(s.end, r.at)
	}
	last := time.Duration(0)
	for _, e := range t.Expect {
		last = max(last, e.To)
	}
	if !doc.Until.IsZero() {
		if doc.Until.Value < last {
			m.Add(doc.Until.Pos, pack.CodeValue, "the test ends before what it expects at %s", span(last))
		}
		s.end, last = doc.Until.Value, 0
	}
	if s.end = max(s.end, last); s.end > LongestTest {
		m.Add(doc.Pos, pack.CodeValue, "the test lasts %s, longer than %s", span(s.end), span(LongestTest))
	}
	if s.every > 0 && s.end/s.every > 10*notation.MaxReadings {
		m.Add(doc.Pos, pack.CodeValue, "the test lasts %s at one reading each %s; that is too long", span(s.end), span(s.every))
	}
}

// span writes a time as people write it in tests: 1m30s, 2h, 3d.
func span(d time.Duration) string {
	var b strings.Builder
	if days := d / (24 * time.Hour); days > 0 {
		b.WriteString(strconv.Itoa(int(days)) + "d")
		if d -= days * 24 * time.Hour; d == 0 {
			return b.String()
		}
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return b.String() + s
}
