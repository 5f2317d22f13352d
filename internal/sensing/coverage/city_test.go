package coverage

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/sta"
)

var (
	noon  = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	rooms = []db.Migrations{ledger.Migrations(), sensing.Migrations(), sta.Migrations(), Migrations()}
)

// town is a register, and the datastreams of its instruments.
type town struct {
	assets []Asset
	areas  []Area

	mu      sync.RWMutex
	streams []sensing.Datastream // id is the place in the list, from 1
	states  []*sensing.State
}

var (
	_ Register = (*town)(nil)
	_ Streams  = (*town)(nil)
)

func (w *town) Assets(_ context.Context, fn func(Asset)) error {
	for _, a := range w.assets {
		fn(a)
	}
	return nil
}

func (w *town) Areas(context.Context) ([]Area, error) { return w.areas, nil }

func (w *town) Zone(context.Context) (*time.Location, error) {
	return time.FixedZone("Asia/Shanghai", 8*3600), nil
}

func (w *town) Asset(id int64) (Spot, bool) {
	for _, a := range w.assets {
		if a.ID == id {
			return Spot{a.Place, a.Area, a.Organisation}, true
		}
	}
	return Spot{}, false
}

func (w *town) Place(id int64) (Spot, bool) {
	for _, a := range w.assets {
		if a.Place == id {
			return Spot{a.Place, a.Area, a.Organisation}, true
		}
	}
	return Spot{Place: id}, id == 99 // a place where nothing stands
}

func (w *town) AssetByKey(key string) (int64, bool) {
	for _, a := range w.assets {
		if a.Key == key {
			return a.ID, true
		}
	}
	return 0, false
}

func (w *town) Lookup(id int64) (sensing.Datastream, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if id < 1 || id > int64(len(w.streams)) {
		return sensing.Datastream{}, false
	}
	return w.streams[id-1], true
}

func (w *town) LookupExternal(key string) (sensing.Datastream, bool) {
	for _, d := range w.streams {
		if d.ExternalID == key {
			return d, true
		}
	}
	return sensing.Datastream{}, false
}

func (w *town) State(id int64) (sensing.State, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return *w.states[id-1], true
}

func (w *town) All(fn func(sensing.DatastreamState)) {
	for i, d := range w.streams {
		fn(sensing.DatastreamState{Datastream: d, State: *w.states[i]})
	}
}

// watch adds a datastream, and hear lets it speak.
func (w *town) watch(asset int64, property string) (id int64) {
	id = int64(len(w.streams)) + 1
	w.streams = append(w.streams, sensing.Datastream{ID: id, ExternalID: fmt.Sprintf("d%d", id), Asset: asset, Property: property, Name: property})
	w.states = append(w.states, &sensing.State{})
	return id
}

func (w *town) hear(id int64, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.states[id-1] = sensing.State{Count: 1, HeardAt: at.UnixMicro(), MaxAt: at.UnixMicro(), MinAt: at.UnixMicro()}
}

func str(s string) pack.String { return pack.String{Value: s} }

// packs are an alarm that measures methane (judged, silent after 2 h) and battery, and a valve that measures nothing.
func packs() (kinds []pack.Kind, properties map[string]pack.Property, detectors []Detector) {
	kinds = []pack.Kind{
		{ID: "gas/alarm", Title: pack.Text{EN: str("Alarm"), ZH: str("报警器")}, Measures: []string{"gas/methane", "gas/battery"}},
		{ID: "gas/home-alarm", Title: pack.Text{EN: str("Home alarm"), ZH: str("户内报警器")}, Measures: []string{"gas/methane"}, Home: true},
		{ID: "gas/valve", Title: pack.Text{EN: str("Valve"), ZH: str("阀门")}},
		{ID: "water/gauge", Title: pack.Text{EN: str("Gauge"), ZH: str("水位计")}, Measures: []string{"water/level"}},
	}
	properties = map[string]pack.Property{
		"gas/methane": {ID: "gas/methane", Title: pack.Text{EN: str("Methane"), ZH: str("甲烷浓度")}, Unit: "%LEL"},
		"gas/battery": {ID: "gas/battery", Title: pack.Text{EN: str("Battery"), ZH: str("电池电压")}, Unit: "V"},
		"water/level": {ID: "water/level", Title: pack.Text{EN: str("Level"), ZH: str("水位")}, Unit: "m"},
	}
	detectors = []Detector{
		{ID: "gas/methane", Property: "gas/methane", Kinds: []string{"gas/alarm", "gas/home-alarm"}, SilentAfter: 2 * time.Hour},
		{ID: "gas/slow", Property: "gas/methane", Kinds: []string{"gas/alarm"}, SilentAfter: 12 * time.Hour},
	}
	return kinds, properties, detectors
}

// smallTown has two districts in one city (1): East (2) with a cell (4), and West (3).
func smallTown() *town {
	w := &town{areas: []Area{{1, 0, Text{"City", "全市"}}, {2, 1, Text{"East", "东区"}}, {3, 1, Text{"West", "西区"}}, {4, 2, Text{"Cell", "网格"}}}}
	add := func(id int64, kind string, place, area int64) {
		w.assets = append(w.assets, Asset{ID: id, Place: place, Area: area, Organisation: 40 + area, Key: fmt.Sprintf("A-%d", id), Kind: kind,
			Name: Text{fmt.Sprintf("Asset %d", id), fmt.Sprintf("设施%d", id)}, PlaceName: Text{fmt.Sprintf("Place %d", place), fmt.Sprintf("点位%d", place)},
			Point: [2]float64{121.5, 31.25}, Home: kind == "gas/home-alarm"})
	}
	add(11, "gas/alarm", 21, 4)
	add(12, "gas/alarm", 21, 4)
	add(13, "gas/valve", 21, 4)
	add(14, "gas/home-alarm", 22, 3)
	add(15, "water/gauge", 23, 3)
	add(16, "water/gauge", 24, 0)
	return w
}

func start(t testing.TB, d *db.DB, w *town) (*Service, *clock.Virtual) {
	t.Helper()
	c := clock.NewVirtual(noon)
	kinds, properties, detectors := packs()
	s, err := New(t.Context(), Deps{DB: d, Clock: c, Access: access.AllowAll, Streams: w, Register: w, Kinds: kinds, Properties: properties, Detectors: detectors})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func load(t testing.TB, s *Service) {
	t.Helper()
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func officer(id int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: id, Name: fmt.Sprintf("officer %d", id), Roles: []string{access.DutyOfficer}})
}
