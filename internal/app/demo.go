package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/reports"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/sta"
	"github.com/anlan-city/anlan/internal/sim"
)

// demoSource is the source of the simulated readings.
const demoSource = "simulator"

// demo is the simulated city behind a running server.
type demo struct {
	app      *App
	scenario *sim.Scenario
	streams  []int64          // of each of the world's datastreams
	sent     []int64          // the time of what each had sent before this run
	keys     map[int64]string // the world's names of assets
	places   map[int64]string // and of places
	baseMap  []byte           // GeoJSON

	warned sync.Once

	// reached is how far the run has come in the city's time, for who drives a drill on a clock that waits for it.
	reached atomic.Pointer[time.Time]
}

// startDemo lets visitors of this machine in and brings the simulated city to life.
func (a *App) startDemo(ctx context.Context) error {
	if a.options.Demo == nil {
		return nil
	}
	if err := a.access.EnableDemo(ctx, a.listener.Addr().String()); err != nil {
		return err
	}
	ctx = access.With(ctx, access.System("simulator"))
	world := sim.Build(a.options.Demo.Seed)
	if err := a.importWorld(ctx, world); err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	former, err := a.formerTruth()
	if err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	if err := a.offerPosts(ctx, world); err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	if err := a.fillDirectory(ctx, world, former.Start); err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	plant := sim.NewScenario
	if a.options.Demo.scenario() == sim.StormScenario {
		plant = sim.NewStorm
	}
	d := &demo{app: a, scenario: plant(world, former.Start)}
	for _, i := range former.Incidents {
		if i.Repaired == nil {
			continue
		}
		if err := d.scenario.Repair(i.ID, *i.Repaired); err != nil {
			return fmt.Errorf("demo city: %w", err)
		}
	}
	if err := d.register(ctx); err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	if err := d.drawBaseMap(); err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	if err := d.writeTruth(); err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	a.demo = d
	a.life.background("simulated city", func(ctx context.Context) error {
		ctx = access.With(ctx, access.System("simulator"))
		return sim.Run(ctx, a.clock, d.scenario, sim.Options{History: a.options.Demo.History, From: d.resume(), Progress: d.progress}, d)
	})
	a.life.background("simulated crews", d.crews)
	return nil
}

// offerPosts lets visitors sign in for the agencies of the storm too. Drainage and power company hold what they mend; traffic police
// and town have a watch of their own.
func (a *App) offerPosts(ctx context.Context, w *sim.World) error {
	var posts []access.DemoPost
	for _, p := range w.Posts() {
		id, ok := a.city.OrganisationID(p.Organisation)
		if !ok {
			return fmt.Errorf("no organisation %s", p.Organisation)
		}
		roles := []string{access.DutyOfficer}
		if p.ID == "drainage" || p.ID == "power" {
			roles = []string{access.Operator}
		}
		name := a.city.OrganisationName(id)
		posts = append(posts, access.DemoPost{ID: p.ID, Organisation: id, Roles: roles, Title: access.Words{English: name.In("en"), Chinese: name.In("zh-CN")}})
	}
	return a.access.OfferDemoPosts(ctx, posts...)
}

// fillDirectory gives a new city its duty phones, and a fortnight's roster to the posts that are manned round the clock.
func (a *App) fillDirectory(ctx context.Context, w *sim.World, start time.Time) error {
	there, err := a.watch.Phones(ctx)
	if err != nil || slices.ContainsFunc(there, func(p watch.PostView) bool { return !p.FromRegister }) {
		return err
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	start = start.In(zone)
	for _, o := range w.Offices() {
		id, ok := a.city.OrganisationID(o.Organisation)
		if !ok {
			return fmt.Errorf("no organisation %s", o.Organisation)
		}
		post, err := a.watch.PutPost(ctx, watch.Post{Organisation: id, Name: o.Post, Phone: o.Phone, Covered: o.Manned}, "")
		if err != nil {
			return fmt.Errorf("duty phone of %s: %w", o.Organisation, err)
		}
		if !o.Manned {
			continue
		}
		var roster strings.Builder
		fmt.Fprintln(&roster, "post,from,to,who")
		for i := range 2 * 14 { // from half past eight to half past eight; the first began yesterday evening or before
			from := time.Date(start.Year(), start.Month(), start.Day()-1, 20, 30, 0, 0, zone).Add(time.Duration(i) * 12 * time.Hour)
			fmt.Fprintf(&roster, "%d,%s,%s,%s\n", post.Item, from.Format(time.RFC3339), from.Add(12*time.Hour).Format(time.RFC3339), demoTeams[i%len(demoTeams)])
		}
		if _, _, err := a.watch.Import(ctx, strings.NewReader(roster.String()), ""); err != nil {
			return fmt.Errorf("roster of %s: %w", o.Organisation, err)
		}
	}
	return nil
}

// demoTeams take turns at the posts that are manned round the clock.
var demoTeams = []string{"甲班 (Team A)", "乙班 (Team B)", "丙班 (Team C)", "丁班 (Team D)"}

// truthFile holds what was planted, for whoever scores the detectors, and for a demo that goes on after a restart.
const truthFile = "truth.json"

// formerTruth is what was planted in the city of this data folder; a start now and nothing else for a new one.
func (a *App) formerTruth() (t sim.Truth, err error) {
	t.Start = a.clock.Now().Truncate(time.Second)
	b, err := os.ReadFile(filepath.Join(a.options.Data, truthFile))
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("%s: %w", truthFile, err)
	}
	if t.Seed != a.options.Demo.Seed {
		return t, fmt.Errorf("the data folder %s holds the city of seed %d, not %d; choose another folder with --data",
			a.options.Data, t.Seed, a.options.Demo.Seed)
	}
	if of := cmp.Or(t.Scenario, sim.DayScenario); of != a.options.Demo.scenario() { // older ones name none
		return t, fmt.Errorf("the data folder %s holds the scenario %s, not %s; choose another folder with --data",
			a.options.Data, of, a.options.Demo.scenario())
	}
	return t, nil
}

// resume is where the simulation goes on: the time of the newest reading that arrived. What was sent of that second is
// known by datastream, and not sent again.
func (d *demo) resume() (from time.Time) {
	d.sent = make([]int64, len(d.streams))
	var newest int64
	for i, id := range d.streams {
		st, err := d.app.sensing.Latest(access.With(context.Background(), access.System("simulator")), id)
		if err == nil && st.Count > 0 {
			d.sent[i] = st.MaxAt
			newest = max(newest, st.MaxAt)
		}
	}
	if newest == 0 {
		return time.Time{}
	}
	return time.UnixMicro(newest).Add(-overlap)
}

// overlap is how far before the newest reading a run goes on. Batches are sent in the order of time and each is stored as a
// whole, so a second would do.
const overlap = time.Minute

func (d *demo) progress(at time.Time) { d.reached.Store(&at) }

// crews mend what officers send them to: once a crew is on site it closes the leaking main, starts the pumps, closes off and
// pumps out the underpass, switches the feeder over, frees the lift; and what joins the case while it is there.
func (d *demo) crews(ctx context.Context) error {
	news := []string{events.CaseMoved{}.Subject(), events.CaseChanged{}.Subject()}
	return d.app.bus.Consume(ctx, "demo-crews", news, func(ctx context.Context, m bus.Message) error {
		var e struct { // of the two events
			Case     int64
			To, What string
			At       time.Time
		}
		if err := json.Unmarshal(m.Data, &e); err != nil {
			return fmt.Errorf("%w: %w", bus.ErrDrop, err)
		}
		if e.To != "on-site" && e.What != "alert" {
			return nil
		}
		ctx = access.With(ctx, access.System("simulated crew"))
		c, err := d.app.respond.Case(ctx, e.Case)
		if web.NotFound(err) {
			return fmt.Errorf("%w: %w", bus.ErrDrop, err)
		}
		if err != nil || e.To != "on-site" && c.State != "on-site" { // whoever arrived has been there, though the case may have moved on
			return err
		}
		about, err := d.about(ctx, c)
		if err != nil {
			return err
		}
		mended := false
		for _, i := range d.scenario.Truth().Incidents {
			if i.Repaired != nil || i.Averted || e.At.Before(i.Start) || !i.Mendable() ||
				!slices.ContainsFunc(about, func(x subject) bool { return i.Concerns(c.Kind, x.asset, x.place) }) {
				continue
			}
			if err := d.scenario.Repair(i.ID, e.At); err != nil {
				return err
			}
			mended = true
		}
		if !mended {
			return nil
		}
		return d.writeTruth()
	})
}

// subject is an asset, or a place, in the world's names.
type subject struct{ asset, place string }

// about is what a crew finds to do for a case: at its asset or place, and where the alerts are that have joined it.
func (d *demo) about(ctx context.Context, c *respond.CasePage) ([]subject, error) {
	var x subject
	if c.Asset != nil {
		x.asset = d.keys[*c.Asset]
	}
	if c.Place != nil {
		x.place = d.places[*c.Place]
	}
	all := []subject{x}
	for _, e := range c.Timeline {
		id, ok := e.Data["alert"].(float64) // it was JSON
		if !ok || e.Kind != "alert" {
			continue
		}
		a, err := d.app.detect.Get(ctx, int64(id))
		if err != nil {
			return nil, err
		}
		x := subject{d.keys[a.Asset], d.places[a.Place]}
		if a.ClearedAt == nil && x.asset != "" && !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all, nil
}

// writeTruth puts what was planted beside the data, for whoever scores the detectors. A power cut leaves the former file or
// the new one: half a file would keep the demo from starting again.
func (d *demo) writeTruth() error {
	path := filepath.Join(d.app.options.Data, truthFile)
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	if err := errors.Join(d.scenario.Truth().Encode(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Readings fulfils sim.Sink by the way that every sender's readings take.
func (d *demo) Readings(ctx context.Context, rs []sim.Reading) error {
	batch := make([]sensing.Reading, 0, len(rs))
	for _, r := range rs {
		if at := r.At.UnixMicro(); at > d.sent[r.Datastream] {
			batch = append(batch, sensing.Reading{Datastream: d.streams[r.Datastream], At: at, Value: sensing.Number(r.Value)})
		}
	}
	var receipt sensing.Receipt
	err := insist(ctx, clock.System(), "simulated readings", func() (err error) {
		receipt, err = d.app.sensing.Append(ctx, demoSource, batch)
		return err
	})
	if err != nil {
		return err
	}
	if len(receipt.Refused) > 0 {
		d.warned.Do(func() {
			slog.WarnContext(ctx, "a simulated reading was refused", "why", receipt.Refused[0].Message)
		})
	}
	return nil
}

var _ sim.Sink = (*demo)(nil)

// demoPause is how long the simulated city waits before it sends again what was not taken.
const demoPause = time.Second

// insist calls send until it succeeds: an outage of the database holds the simulated city back and loses nothing of it. As
// with every sender, what was sent when the outage began may arrive twice. What the server refuses as wrong stays wrong, so
// that alone is returned, and ctx's end.
func insist(ctx context.Context, c clock.Clock, what string, send func() error) error {
	for waited := false; ; waited = true {
		err := send()
		if err == nil {
			if waited {
				slog.InfoContext(ctx, what+" are taken again")
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var refused *web.Error
		if errors.As(err, &refused) && refused.Status < http.StatusInternalServerError {
			return err
		}
		if !waited {
			slog.WarnContext(ctx, what+" are not taken; the simulated city waits", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.After(demoPause):
		}
	}
}

// nameDemoCity gives the register the invented city's name and time zone.
func (a *App) nameDemoCity(ctx context.Context) error {
	if a.options.Demo == nil {
		return nil
	}
	name := sim.CityName()
	return a.city.SetSettings(access.With(ctx, access.System("simulator")),
		city.Settings{Name: city.Name{EN: name.En, ZH: name.Zh}, TimeZone: "Asia/Shanghai"})
}

// importWorld brings the city into the register, by the files that a real city would send.
func (a *App) importWorld(ctx context.Context, w *sim.World) error {
	files := map[string]sim.File{}
	for _, f := range w.Files() {
		files[f.Name] = f
	}
	for _, in := range []struct{ as, file string }{
		{city.Areas, "areas.geojson"}, {city.Organisations, "organisations.csv"}, {city.Places, "places.geojson"},
		{city.Assets, "assets.geojson"}, {city.Duties, "duties.csv"},
	} {
		var b bytes.Buffer
		if err := files[in.file].Write(&b); err != nil {
			return err
		}
		if _, err := a.city.Import(ctx, in.as, in.file, &b, city.ImportOptions{Coordinates: "wgs84"}); err != nil {
			return err
		}
	}
	return nil
}

// register makes the datastreams of the world known.
func (d *demo) register(ctx context.Context) error {
	specs := make([]sta.DatastreamSpec, len(d.scenario.World.Datastreams))
	for i, ds := range d.scenario.World.Datastreams {
		asset, ok := d.app.city.AssetByKey(ds.Asset)
		if !ok {
			return fmt.Errorf("datastream %s: no asset %s", ds.ID, ds.Asset)
		}
		specs[i] = sta.DatastreamSpec{ExternalID: ds.ID, Asset: asset, Property: ds.Property, Unit: ds.Unit, Name: ds.Name.Zh}
	}
	d.keys, d.places = map[int64]string{}, map[int64]string{}
	for _, a := range d.scenario.World.Assets {
		id, _ := d.app.city.AssetByKey(a.ID)
		spot, _ := d.app.city.AssetSpot(id)
		d.keys[id], d.places[spot.Place] = a.ID, a.Place
	}
	var err error
	d.streams, err = d.app.sta.EnsureDatastreams(ctx, specs)
	return err
}

// drawBaseMap keeps the land and water of the world and its streets, as one collection.
func (d *demo) drawBaseMap() error {
	type collection struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
	}
	all := collection{Type: "FeatureCollection"}
	for _, f := range d.scenario.World.Files() {
		if f.Name != "basemap.geojson" && f.Name != "roads.geojson" {
			continue
		}
		var b bytes.Buffer
		var one collection
		if err := f.Write(&b); err != nil {
			return err
		}
		if err := json.Unmarshal(b.Bytes(), &one); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		all.Features = append(all.Features, one.Features...)
	}
	var err error
	d.baseMap, err = json.Marshal(all)
	return err
}

// named is the world's name of a thing, as a list; empty where the world does not know it.
func named(keys map[int64]string, id int64) []string {
	if key, ok := keys[id]; ok {
		return []string{key}
	}
	return nil
}

// Report fulfils sim.Sink.
func (d *demo) Report(ctx context.Context, r sim.Report) error {
	point := [2]float64(r.Point)
	category, ok := demoCategories[r.Category]
	if !ok {
		category = r.Category // waits to be sorted
	}
	return insist(ctx, clock.System(), "simulated reports", func() error {
		_, err := d.app.reports.Import(ctx, reports.Import{Source: demoSource, Items: []reports.Item{{
			ExternalID: r.ID, Category: category, Text: r.Text, Point: &point, ReceivedAt: r.At.Format(time.RFC3339), State: reports.Open, Channel: "hotline",
		}}})
		return err
	})
}

// demoCategories sorts what simulated residents call about, as a hotline's clerk would.
var demoCategories = map[string]string{
	"gas/gas-smell":        "gas-smell",
	"water/low-pressure":   "water-supply",
	"water/no-water":       "water-supply",
	"water/water-on-road":  "water-leak",
	"flood/standing-water": "standing-water",
	"power/power-cut":      "power-cut",
	"lifts/lift-broken":    "lift",
	"roads/pothole":        "road-damage",
	"roads/street-light":   "street-light",
	"roads/manhole-cover":  "manhole",
	"hotline/rubbish":      "waste",
	"hotline/noise":        "other",
	"hotline/fallen-tree":  "tree",
	"fire/blocked-exit":    "fire-hazard",
}

// demoRoutes adds what only the demo has: the score card against the truth, and the map of the invented city.
func (a *App) demoRoutes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "score", Method: http.MethodGet, Path: "/api/v1/score", Tags: []string{"watch"},
		Summary: "In the demo: what was planted, and what the detectors made of it",
	}, a.score)
	r.HandleFunc("GET /api/v1/basemap.geojson", a.baseMap)
}

type scoreOutput struct{ Body sim.Card }

func (a *App) score(ctx context.Context, _ *struct{}) (*scoreOutput, error) {
	if err := a.access.Decide(ctx, "score.read", access.Resource{Type: "score"}, access.Operations); err != nil {
		return nil, err
	}
	if a.demo == nil {
		return nil, web.Errorf(http.StatusNotFound, "demo.none", "only a simulated city has a truth to be scored against")
	}
	var alerts []sim.Alert
	for after := int64(0); ; {
		page, err := a.detect.List(ctx, detect.Filter{}, after, 500)
		if err != nil {
			return nil, err
		}
		for _, x := range page {
			if x.Kind != engine.Hazard {
				continue // a silent instrument is no claim about a hazard
			}
			alerts = append(alerts, sim.Alert{ID: strconv.FormatInt(x.ID, 10), Raised: x.RaisedAt,
				Assets: named(a.demo.keys, x.Asset), Places: named(a.demo.places, x.Place)})
		}
		if len(page) < 500 {
			break
		}
		after = page[len(page)-1].ID
	}
	return &scoreOutput{sim.Score(a.demo.scenario.Truth(), alerts, a.clock.Now())}, nil
}

// baseMap is the land, water and roads of the invented city, to be drawn below its assets; empty for a real city, which
// has maps of its own.
func (a *App) baseMap(w http.ResponseWriter, r *http.Request) {
	if err := a.access.Decide(r.Context(), "city.read", access.Resource{Type: "basemap"}, access.PublicInformation); err != nil {
		web.WriteError(w, r, err)
		return
	}
	base := []byte(`{"type":"FeatureCollection","features":[]}`)
	if a.demo != nil {
		base = a.demo.baseMap
	}
	w.Header().Set("Content-Type", "application/geo+json")
	w.Header().Set("Cache-Control", "private, max-age=3600")
	if _, err := w.Write(base); err != nil {
		slog.DebugContext(r.Context(), "base map not sent", "err", err)
	}
}
