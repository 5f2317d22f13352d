package sta

import (
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// plan is what an answer shows of the entities of one set, and what of others it shows within them.
type plan struct {
	t     *odata.EntityType
	k     *kind // nil for Observations
	query *odata.Query

	id      bool // @iot.id
	self    bool // @iot.selfLink
	marks   bool // what is doubtful about a reading
	fields  []field
	links   []*odata.Navigation // shown as links
	expands []*expansion
}

// field is a property that is shown.
type field struct {
	name   string
	column int     // of the kind; -1 where the log keeps it
	parts  []*part // where only parts of a JSON property are shown
}

// part is a selected part of a JSON property.
type part struct {
	keys []string
	get  *odata.Program
}

// expansion is what is shown within an entity.
type expansion struct {
	nav       *odata.Navigation
	link      *link // nil where the log leads there
	plan      *plan
	top, skip int64
}

const (
	// defaultTop is how many entities a page has where nothing was said, maxTop how many it has at most.
	defaultTop = 100
	maxTop     = 1000
)

// paging is how many entities a page shows and leaves out.
func paging(q *odata.Query) (top, skip int64) {
	top = defaultTop
	if q.Top != nil {
		top = min(*q.Top, maxTop)
	}
	if q.Skip != nil {
		skip = *q.Skip
	}
	return top, skip
}

// plan works out what is shown, and decides whether the asker may see it.
func (v *view) plan(t *odata.EntityType, q *odata.Query) (*plan, error) {
	if err := v.may(t.Set); err != nil {
		return nil, err
	}
	p := &plan{t: t, k: kindOf(t.Set), query: q}
	if len(q.Select) == 0 {
		p.everything(q.Expand)
	} else if err := p.choose(v, q.Select); err != nil {
		return nil, err
	}
	for _, e := range q.Expand {
		inner, err := v.plan(e.Nav.Target, e.Query)
		if err != nil {
			return nil, err
		}
		x := &expansion{nav: e.Nav, plan: inner}
		x.top, x.skip = paging(e.Query)
		if p.k != nil && e.Nav.Target.Set != setObservations {
			x.link = p.k.link(e.Nav.Name)
		}
		p.expands = append(p.expands, x)
	}
	return p, nil
}

// everything shows all properties, and a link for each navigation that is not expanded.
func (p *plan) everything(expanded []*odata.Expand) {
	p.id, p.self, p.marks = true, true, true
	for _, prop := range p.t.Properties {
		if prop.Name != "id" {
			p.fields = append(p.fields, p.field(prop.Name))
		}
	}
	for _, n := range p.t.Navigations {
		if !slices.ContainsFunc(expanded, func(e *odata.Expand) bool { return e.Nav == n }) {
			p.links = append(p.links, n)
		}
	}
}

func (p *plan) field(name string) field {
	f := field{name: name, column: -1}
	if p.k != nil {
		f.column = slices.IndexFunc(p.k.columns, func(c column) bool { return c.property == name })
	}
	return f
}

// choose shows what $select names.
func (p *plan) choose(v *view, selected []*odata.Selected) error {
	for _, s := range selected {
		switch {
		case s.Nav != nil:
			if !slices.Contains(p.links, s.Nav) {
				p.links = append(p.links, s.Nav)
			}
		case s.Prop.Name == "id":
			p.id = true
		case s.Prop.Name == odata.SelfLink:
			p.self = true
		default:
			if err := p.chooseProperty(v, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *plan) chooseProperty(v *view, s *odata.Selected) error {
	i := slices.IndexFunc(p.fields, func(f field) bool { return f.name == s.Prop.Name })
	if i < 0 {
		i = len(p.fields)
		p.fields = append(p.fields, p.field(s.Prop.Name))
	} else if len(p.fields[i].parts) == 0 {
		return nil // the whole property is shown
	}
	if len(s.Sub) == 0 {
		p.fields[i].parts = nil
		return nil
	}
	one := &part{get: odata.Compile(&odata.Path{From: p.t, Prop: s.Prop, Sub: s.Sub}, v.now)}
	for _, k := range s.Sub {
		if k.Name == "" {
			return web.Errorf(http.StatusBadRequest, "sensing.bad_query", "%s: an element of an array can't be selected by itself", s).At("$select")
		}
		one.keys = append(one.keys, k.Name)
	}
	p.fields[i].parts = append(p.fields[i].parts, one)
	return nil
}
