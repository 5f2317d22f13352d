package drainage

import (
	"errors"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/methods/basin"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// File is the name of the file in a pack that declares drainage basins.
const File = "basins.yaml"

// Declaration is that of basins.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "Drainage basins that a model may advise on: where rain runs, what stores it, which pumps and gates move it", Of: []basinEntry{}}
}

// basinEntry and those below are the declaration of basins.yaml. Lengths are in m, stages in m above one datum.
type basinEntry struct {
	ID         pack.String      `yaml:"id" pack:"required,name" doc:"the basin's name in this file"`
	Title      pack.Text        `yaml:"title" pack:"required" doc:"its name for people"`
	Plan       pack.String      `yaml:"plan" pack:"required,name" doc:"the plan whose responses are advised"`
	Agency     pack.String      `yaml:"agency" pack:"required,name" doc:"the agency of that plan which would carry it out"`
	Post       pack.String      `yaml:"post" pack:"required,name" doc:"its post"`
	Source     pack.String      `yaml:"source" pack:"required" doc:"where the figures come from"`
	LookAhead  pack.Duration    `yaml:"look_ahead" pack:"at least 1h,at most 24h" default:"12h" doc:"how far the model looks; over a tide at least, where there is one"`
	Rain       gaugeEntry       `yaml:"rain" pack:"required" doc:"the gauge whose rain, in mm/h, is taken for the whole basin"`
	Outer      gaugeEntry       `yaml:"outer" pack:"required" doc:"the gauge of the water outside, in m"`
	Tidal      bool             `yaml:"tidal" doc:"the water outside follows the tide: what it did a lunar day (24 h 50 min) ago is taken to come again, from where it stands now"`
	Catchments []catchmentEntry `yaml:"catchments" pack:"required" doc:"pieces of ground whose rain runs into one storage"`
	Storages   []storageEntry   `yaml:"storages" pack:"required" doc:"tanks, lakes and reaches of canals"`
	Stations   []stationEntry   `yaml:"stations" doc:"pump stations of equal units"`
	Gates      []gateEntry      `yaml:"gates" doc:"gates, weirs and culverts"`
	Pos        pack.Pos
}

type gaugeEntry struct {
	Asset    pack.String `yaml:"asset" pack:"required" doc:"the external id of the asset"`
	Property pack.String `yaml:"property" pack:"required" doc:"what is read there"`
	Pos      pack.Pos
}

type catchmentEntry struct {
	ID            pack.String   `yaml:"id" pack:"required,name" doc:"its name"`
	Area          pack.Number   `yaml:"area_ha" pack:"required,above 0" doc:"in hectares"`
	Runoff        pack.Number   `yaml:"runoff" pack:"required,at least 0,at most 1" doc:"share of the rain that runs off"`
	Concentration pack.Duration `yaml:"concentration" pack:"required,above 0s" doc:"time of concentration"`
	Base          pack.Number   `yaml:"base_m3s" pack:"at least 0" doc:"what runs without rain, in m³/s"`
	Into          pack.String   `yaml:"into" pack:"required,name" doc:"the storage that it runs into"`
	Pos           pack.Pos
}

type storageEntry struct {
	ID     pack.String  `yaml:"id" pack:"required,name" doc:"its name"`
	Title  pack.Text    `yaml:"title" pack:"required" doc:"its name for people"`
	Level  gaugeEntry   `yaml:"level" pack:"required" doc:"the gauge of its stage"`
	Curve  []pointEntry `yaml:"curve" pack:"required" doc:"what it holds, from the floor upwards"`
	Least  pack.Number  `yaml:"least" pack:"required" doc:"the stage below which it is not emptied"`
	Usual  pack.Number  `yaml:"usual" pack:"required" doc:"its stage in dry weather"`
	Danger pack.Number  `yaml:"danger" pack:"required" doc:"the stage from which water does harm"`
	Pos    pack.Pos
}

type pointEntry struct {
	Stage  pack.Number `yaml:"stage" pack:"required" doc:"in m"`
	Volume pack.Number `yaml:"volume" pack:"required,at least 0" doc:"in m³, up to that stage"`
}

type stationEntry struct {
	ID       pack.String   `yaml:"id" pack:"required,name" doc:"its name"`
	Title    pack.Text     `yaml:"title" pack:"required" doc:"its name for people"`
	From     pack.String   `yaml:"from" pack:"required,name" doc:"the storage that it draws from"`
	To       pack.String   `yaml:"to" pack:"required,name" doc:"the storage that it lifts into, or outer"`
	Units    pack.Number   `yaml:"units" pack:"required,at least 1" doc:"how many pumps"`
	Capacity pack.Number   `yaml:"capacity_m3s" pack:"required,above 0" doc:"of one pump, in m³/s"`
	Start    pack.Number   `yaml:"start" pack:"required" doc:"the stage at which its own switches start the first pump"`
	Stop     pack.Number   `yaml:"stop" pack:"required" doc:"the stage at which they stop it"`
	Between  pack.Number   `yaml:"between" pack:"at least 0" doc:"how much higher the switches of each further pump stand, in m"`
	Hold     pack.Duration `yaml:"hold" default:"10m" doc:"the shortest time between two changes by hand"`
	Running  *gaugeEntry   `yaml:"running" doc:"what counts its running pumps"`
	Able     *gaugeEntry   `yaml:"able" doc:"what counts the pumps that can run; left out, all are taken to, and the advice says so"`
	Pos      pack.Pos
}

type gateEntry struct {
	ID     pack.String `yaml:"id" pack:"required,name" doc:"its name"`
	Title  pack.Text   `yaml:"title" pack:"required" doc:"its name for people"`
	From   pack.String `yaml:"from" pack:"required,name" doc:"the storage on its upper side"`
	To     pack.String `yaml:"to" pack:"required,name" doc:"the storage on its lower side, or outer"`
	Width  pack.Number `yaml:"width" pack:"required,above 0" doc:"in m"`
	Sill   pack.Number `yaml:"sill" pack:"required" doc:"the stage of its sill"`
	Height pack.Number `yaml:"height" pack:"required,above 0" doc:"of the opening when it is fully open, in m"`
	Flap   bool        `yaml:"flap" doc:"it lets nothing back"`
	Fixed  bool        `yaml:"fixed" doc:"it is never moved: a weir, a culvert"`
	// Nothing is known of a movable gate that nobody measures: advice on it, and what becomes without, would be guessed.
	Opening *gaugeEntry `yaml:"opening" doc:"what tells how far it is open, in %; required unless it is fixed"`
	Pos     pack.Pos
}

// Basin is one drainage basin with what is needed to read it and to speak of it.
type Basin struct {
	ID, Pack           string
	Title              lifecycle.Text
	Plan, Agency, Post string
	LookAhead          time.Duration
	Rain, Outer        Gauge
	Tidal              bool
	Levels             []Gauge // of the storages, in the model's order
	Running, Able      []Gauge // of the stations; the zero gauge where nothing counts them
	Openings           []Gauge // of the gates; the zero gauge of a fixed one
	Storages           []lifecycle.Text
	Stations, Gates    []lifecycle.Text
	Model              basin.Basin
}

// Gauge is what an instrument measures: a property of the asset with that external id.
type Gauge struct{ Asset, Property string }

// Basins reads the basins of a pack; none when it has no basins.yaml. All problems come at once, as pack.Diagnostics.
func Basins(p *pack.Pack) ([]*Basin, error) {
	var entries []basinEntry
	err := p.Decode(File, &entries)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	var ds pack.Diagnostics
	ds.Join(err)
	var out []*Basin
	var seen []string
	for i := range entries {
		e := &entries[i]
		if slices.Contains(seen, e.ID.Value) {
			ds.Add(e.ID.Pos, pack.CodeTwice, "basin %q stands here a second time", e.ID.Value)
		}
		seen = append(seen, e.ID.Value)
		b := e.basin(p)
		e.names(&ds)
		if len(ds) == 0 { // else the model would say the same again, less exactly
			if err := b.Model.Check(); err != nil {
				ds.Add(e.ID.Pos, pack.CodeValue, "%s: %s", e.ID.Value, err)
			}
		}
		out = append(out, b)
	}
	if err := ds.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// names notes a storage that does not stand there.
func (e *basinEntry) names(ds *pack.Diagnostics) {
	var storages []string
	for _, s := range e.Storages {
		storages = append(storages, s.ID.Value)
	}
	known := func(name pack.String, outer bool) {
		offered := storages
		if outer {
			offered = append(slices.Clone(storages), basin.Outer)
		}
		if !name.IsZero() && !slices.Contains(offered, name.Value) {
			ds.Add(name.Pos, pack.CodeReference, "there is no storage %q%s", name.Value, pack.Suggest(name.Value, offered))
		}
	}
	for _, c := range e.Catchments {
		known(c.Into, false)
	}
	for _, s := range e.Stations {
		known(s.From, false)
		known(s.To, true)
	}
	for _, g := range e.Gates {
		known(g.From, false)
		known(g.To, true)
		if !g.Fixed && g.Opening == nil {
			ds.Add(g.Pos, pack.CodeRequired, "the gate %s lacks \"opening\", and is not fixed", g.ID.Value)
		}
	}
}

func (e *basinEntry) basin(p *pack.Pack) *Basin {
	gauge := func(g gaugeEntry) Gauge { return Gauge{g.Asset.Value, p.ID(g.Property.Value)} }
	perhaps := func(g *gaugeEntry) Gauge {
		if g == nil {
			return Gauge{}
		}
		return gauge(*g)
	}
	b := &Basin{
		ID: e.ID.Value, Pack: p.Name, Title: text(e.Title), Plan: e.Plan.Value, Agency: e.Agency.Value, Post: e.Post.Value,
		LookAhead: e.LookAhead.Value, Rain: gauge(e.Rain), Outer: gauge(e.Outer), Tidal: e.Tidal,
	}
	for _, c := range e.Catchments {
		b.Model.Catchments = append(b.Model.Catchments, basin.Catchment{
			Name: c.ID.Value, Area: c.Area.Value * 1e4, Runoff: c.Runoff.Value, Concentration: c.Concentration.Value, Base: c.Base.Value, Into: c.Into.Value,
		})
	}
	for _, s := range e.Storages {
		x := basin.Storage{Name: s.ID.Value, Least: s.Least.Value, Usual: s.Usual.Value, Danger: s.Danger.Value}
		for _, point := range s.Curve {
			x.Curve = append(x.Curve, basin.Point{Stage: point.Stage.Value, Volume: point.Volume.Value})
		}
		b.Model.Storages = append(b.Model.Storages, x)
		b.Levels, b.Storages = append(b.Levels, gauge(s.Level)), append(b.Storages, text(s.Title))
	}
	for _, s := range e.Stations {
		b.Model.Stations = append(b.Model.Stations, basin.Station{
			Name: s.ID.Value, From: s.From.Value, To: s.To.Value, Units: int(s.Units.Value), Capacity: s.Capacity.Value, Start: s.Start.Value,
			Stop: s.Stop.Value, Between: s.Between.Value, Hold: s.Hold.Value,
		})
		b.Running, b.Able, b.Stations = append(b.Running, perhaps(s.Running)), append(b.Able, perhaps(s.Able)), append(b.Stations, text(s.Title))
	}
	for _, g := range e.Gates {
		b.Model.Gates = append(b.Model.Gates, basin.Gate{
			Name: g.ID.Value, From: g.From.Value, To: g.To.Value, Width: g.Width.Value, Sill: g.Sill.Value, Height: g.Height.Value, Flap: g.Flap, Fixed: g.Fixed,
		})
		b.Openings, b.Gates = append(b.Openings, perhaps(g.Opening)), append(b.Gates, text(g.Title))
	}
	return b
}

func text(t pack.Text) lifecycle.Text { return lifecycle.Words(t.EN.Value, t.ZH.Value) }
