package engine

import (
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/methods/ucum"
	"github.com/anlan-city/anlan/internal/pack"
)

// originDoc is what a rule says about finding the source of what its instruments see. The engine keeps no state of it: it is
// worked out from stored readings when somebody asks about an alert.
type originDoc struct {
	Among   pack.Names  `yaml:"among" pack:"required" doc:"the kinds of asset that it may come from, of this pack or pack/kind of another; each counts as a point" example:"[regulator, valve]"`
	Wind    *windDoc    `yaml:"wind" pack:"required" doc:"where the wind is read"`
	Within  pack.Number `yaml:"within" pack:"above 0,at most 2000" default:"500" doc:"metres around the instruments within which assets are asked; a plume is taken to arrive within one step"`
	Blank   pack.Number `yaml:"blank" pack:"at least 0" doc:"an excess that clean air shows too; only what lies above it counts. Left out: where the clear condition ends"`
	Meander pack.Number `yaml:"meander" pack:"above 0,at most 60" default:"12" doc:"degrees by which the wind turns about its mean within a step and over the site; 12 is what a mast at METEC showed from minute to minute"`
	Calm    pack.Number `yaml:"calm" pack:"above 0,at most 5" default:"0.5" doc:"the least wind, in m/s, that carries anything; 0.5 is where cup anemometers begin to turn"`
	Pos     pack.Pos
}

type windDoc struct {
	From  pack.String `yaml:"from" pack:"required" doc:"the property that is the direction it comes from, in degrees clockwise from north" example:"weather/wind-direction"`
	Speed pack.String `yaml:"speed" pack:"required" doc:"the property that is its speed, in m/s, on the same asset" example:"weather/wind-speed"`
	Near  pack.Number `yaml:"near" pack:"above 0,at most 20000" default:"3000" doc:"metres within which an instrument of it speaks for the site: the nearest does. 3 km is the local scale of WMO-No. 8, 1.1.2"`
	Pos   pack.Pos
}

// Origin says how the source of what a rule's instruments see is looked for.
type Origin struct {
	Among       []string // ids of kinds
	From, Speed string   // ids of properties: where the wind comes from, in degrees, and its speed, in m/s
	Near        float64  // metres within which an instrument of the wind speaks for the site
	Within      float64  // metres around the instruments
	Blank       float64  // in the unit of the readings
	Meander     float64  // degrees
	Calm        float64  // m/s
	Memory      time.Duration

	// Background is how the rule follows each instrument's background.
	Background series.Follow
}

// returns is how many of the wind's absences evidence outlasts: the clear condition waits for one.
const returns = 2

// follow is how the background of one instrument is followed.
func (doc *backgroundDoc) follow(every int64) *series.Follow {
	return &series.Follow{Rise: doc.Rise.Value, Fall: micros(doc.Fall.Value), Every: every}
}

func (c *compiler) origin(doc *ruleDoc, d *Detector) {
	o := doc.Origin
	if o == nil {
		return
	}
	if doc.Watches.IsZero() {
		c.Add(o.Pos, pack.CodeValue, "the wind points at an asset only from instruments that are watched one by one, with watches")
		return
	}
	x := &Origin{Within: o.Within.Value, Meander: o.Meander.Value, Calm: o.Calm.Value, Memory: returns * d.ClearFor}
	c.excess(doc, d, x)
	if u, err := ucum.Parse(d.Property.Unit); d.Property.Unit != "" && (err != nil || !concentration(u)) {
		c.Add(o.Pos, pack.CodeValue, "the wind carries concentrations, such as ppm or mg/m3; %s is in %s", doc.Watches.Value, d.Property.Unit)
	}
	for _, k := range d.Kinds {
		switch {
		case k.Home:
			c.Add(o.Pos, pack.CodeValue, "a %s stands in a home, and nothing is told of where its readings come from", c.short(k.ID))
		case k.Mobile:
			c.Add(o.Pos, pack.CodeValue, "a %s moves; the wind points at an asset only from instruments that stand still", c.short(k.ID))
		}
	}
	for _, n := range o.Among {
		id := c.pack.ID(n.Value)
		k := c.pack.Kind(id)
		switch {
		case n.Value == "": // noted by the decoder
		case k == nil && c.short(id) != id:
			c.Add(n.Pos, pack.CodeReference, "the pack has no kind of asset %q%s", n.Value, pack.Suggest(n.Value, c.kindNames()))
		case k != nil && k.Home:
			c.Add(n.Pos, pack.CodeValue, "a %s stands in a home, and homes are not pointed at", n.Value)
		case slices.Contains(x.Among, id):
			c.Add(n.Pos, pack.CodeTwice, "%s stands here a second time", n.Value)
		default:
			x.Among = append(x.Among, id)
		}
	}
	if w := o.Wind; w != nil {
		x.From, x.Speed, x.Near = c.windProperty(w.From), c.windProperty(w.Speed), w.Near.Value
		if x.From == x.Speed && x.From != "" {
			c.Add(w.Speed.Pos, pack.CodeTwice, "direction and speed of the wind are two properties")
		}
	}
	d.Origin = x
}

// excess finds the one variable that is a concentration above its background, and what of it clean air shows too.
func (c *compiler) excess(doc *ruleDoc, d *Detector, x *Origin) {
	var name string
	for i := range doc.Derives {
		e := &doc.Derives[i]
		switch {
		case e.Value.Background == nil || !e.Value.Of.IsZero() && e.Value.Of.Value != "value":
		case name != "":
			c.Add(doc.Origin.Pos, pack.CodeValue, "%s and %s both lie above a background; it is not known which of them the wind carries", name, e.Key.Value)
			return
		default:
			name, x.Background = e.Key.Value, *e.Value.Background.follow(micros(d.Every))
		}
	}
	if name == "" {
		c.Add(doc.Origin.Pos, pack.CodeRequired, "the wind points at an asset by how far the readings lie above their background; derive a variable with above_background")
		return
	}
	if x.Blank = doc.Origin.Blank.Value; !doc.Origin.Blank.IsZero() || d.Clear == nil || c.trial {
		return
	}
	limits, ok := d.Clear.Limits(name)
	if !ok || len(limits) != 1 {
		c.Add(doc.Origin.Pos, pack.CodeRequired, "the clear condition does not say one value of %s that clean air stays under; say it as blank", name)
		return
	}
	x.Blank = max(limits[0], 0)
}

// windProperty is the full id of a property, which is looked up where it is this pack's.
func (c *compiler) windProperty(name pack.String) string {
	id := c.pack.ID(name.Value)
	if name.Value != "" && c.short(id) != id && c.pack.Property(id) == nil {
		c.Add(name.Pos, pack.CodeReference, "the pack observes no %q%s", name.Value, pack.Suggest(name.Value, c.propertyNames()))
	}
	return id
}

// concentration says whether a unit is a share of a volume or a mass in one.
func concentration(u ucum.Unit) bool {
	for _, text := range []string{"1", "g/m3"} {
		if like, err := ucum.Parse(text); err == nil && like.Dimension() == u.Dimension() {
			return true
		}
	}
	return false
}
