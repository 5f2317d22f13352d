package sta

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// plainEntity is an entity in memory, for the plain evaluation that answers are compared with.
type plainEntity struct {
	id    int64
	props map[string]odata.Value
	ones  map[string]*plainEntity
	many  map[string][]*plainEntity
}

func (p *plainEntity) Property(name string) odata.Value { return p.props[name] }

func (p *plainEntity) One(nav string) (odata.Entity, error) {
	if e := p.ones[nav]; e != nil {
		return e, nil
	}
	return nil, nil
}

func (p *plainEntity) Many(nav string, each func(odata.Entity) (bool, error)) error {
	for _, e := range p.many[nav] {
		if more, err := each(e); err != nil || !more {
			return err
		}
	}
	return nil
}

// randomCity makes a city by chance.
func (w *readWorld) randomCity(r *rand.Rand) {
	w.t.Helper()
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	names := []string{"a", "b", "A", "10", "9", "a'b", "x%y", "_", "é", "", "2016-01-01T00:00:00Z"}
	name := func() string { return string(appendText(nil, names[r.IntN(len(names))])) }
	properties := func() string {
		return pick("", `,"properties":{"n":1,"s":"a"}`, `,"properties":{"n":"1","b":true}`, `,"properties":{"n":2.5,"l":[1,2,"a"],"o":{"n":3}}`, `,"properties":{"n":null}`)
	}
	geometry := func() string {
		return pick(`{"type":"Point","coordinates":[1,1]}`, `{"type":"Point","coordinates":[5,5]}`, `{"type":"LineString","coordinates":[[0,0],[3,3]]}`,
			`{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2],[0,2],[0,0]]]}`)
	}
	for range 3 {
		w.post("/Sensors", fmt.Sprintf(`{"name":%s,"description":%s,"encodingType":"text","metadata":%s%s}`, name(), name(), pick(`"m"`, `{"a":1}`), properties()))
		w.post("/ObservedProperties", fmt.Sprintf(`{"name":%s,"definition":"http://example.org/%s","description":%s%s}`, name(), pick("p", "q"), name(), properties()))
	}
	for i := range 5 {
		at := ""
		if i > 0 {
			at = fmt.Sprintf(`,"Locations":[{"name":%s,"description":"d","encodingType":"application/geo+json","location":%s%s}]`, name(), geometry(), properties())
		}
		w.post("/Things", fmt.Sprintf(`{"name":%s,"description":%s%s%s}`, name(), name(), properties(), at))
	}
	for range 7 {
		w.post("/Datastreams", fmt.Sprintf(`{"name":%s,"description":%s,"observationType":"t","unitOfMeasurement":{"name":"n","symbol":%s,"definition":"d"},
			"Thing":{"@iot.id":%d},"Sensor":{"@iot.id":%d},"ObservedProperty":{"@iot.id":%d}%s}`, name(), name(), name(), r.IntN(4)+2, r.IntN(3)+1, r.IntN(3)+1, properties()))
	}
	for i := range 60 {
		hour := func() int { return r.IntN(6) }
		from := hour()
		when := fmt.Sprintf("2016-01-01T%02d:00:00Z", from)
		if r.IntN(4) == 0 {
			when += fmt.Sprintf("/2016-01-01T%02d:00:00Z", from+r.IntN(4)+1)
		}
		body := fmt.Sprintf(`{"phenomenonTime":%q,"result":%s`, when, pick("1", "2", "2.5", "-3", "10", `"1"`, `"a"`, `"10"`, "true", "false", "null", `{"a":1}`, "[1,2]", "1e3"))
		if r.IntN(2) == 0 {
			body += fmt.Sprintf(`,"resultTime":"2016-01-01T%02d:30:00Z"`, hour())
		}
		if r.IntN(3) == 0 {
			body += `,"parameters":` + pick(`{"n":1}`, `{"n":"1","s":"a"}`, `{"o":{"n":2}}`)
		}
		if r.IntN(3) == 0 {
			body += `,"validTime":"2016-01-01T01:00:00Z/2016-01-01T03:00:00Z"`
		}
		if r.IntN(3) == 0 {
			body += fmt.Sprintf(`,"FeatureOfInterest":{"name":%s,"description":"d","encodingType":"application/geo+json","feature":%s}`, name(), geometry())
		}
		w.post(fmt.Sprintf("/Datastreams(%d)/Observations", r.IntN(7)+1), body+"}")
		if i == 35 {
			w.seal()
		}
	}
}

// plainCity is all that the server has, in memory.
func (w *readWorld) plainCity(m *odata.Model) map[string][]*plainEntity {
	w.t.Helper()
	byID := map[string]map[int64]*plainEntity{}
	out := map[string][]*plainEntity{}
	at := func(set string, id int64) *plainEntity {
		if byID[set] == nil {
			byID[set] = map[int64]*plainEntity{}
		}
		if byID[set][id] == nil {
			byID[set][id] = &plainEntity{id: id, props: map[string]odata.Value{}, ones: map[string]*plainEntity{}, many: map[string][]*plainEntity{}}
		}
		return byID[set][id]
	}
	for _, t := range m.Types {
		var expand []string
		for _, n := range t.Navigations {
			if n.Many {
				expand = append(expand, n.Name+"($select=id;$top=1000)")
			} else {
				expand = append(expand, n.Name+"($select=id)")
			}
		}
		_, _, body := w.call("GET", "/"+t.Set+"?$top=1000&$expand="+strings.Join(expand, ","), "")
		var page struct{ Value []map[string]json.RawMessage }
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			w.t.Fatal(err, body)
		}
		for _, e := range page.Value {
			var id int64
			_ = json.Unmarshal(e["@iot.id"], &id)
			p := at(t.Set, id)
			out[t.Set] = append(out[t.Set], p)
			for _, prop := range t.Properties {
				v := odata.JSON(string(e[prop.Name]))
				switch prop.Type {
				case odata.TypeID:
					v = odata.ID(id)
				case odata.TypeInstant, odata.TypeInterval, odata.TypeTime:
					if from, until, ok := parseSpan([]byte(v.Text())); ok {
						v = odata.Interval(from, max(from, until))
					} else {
						v = odata.Null()
					}
				}
				p.props[prop.Name] = v
			}
			for _, n := range t.Navigations {
				type ref struct {
					ID int64 `json:"@iot.id"`
				}
				var list []ref
				if n.Many {
					_ = json.Unmarshal(e[n.Name], &list)
				} else if raw := e[n.Name]; raw != nil && string(raw) != "null" {
					list = make([]ref, 1)
					_ = json.Unmarshal(raw, &list[0])
				}
				for _, r := range list {
					if n.Many {
						p.many[n.Name] = append(p.many[n.Name], at(n.Target.Set, r.ID))
					} else {
						p.ones[n.Name] = at(n.Target.Set, r.ID)
					}
				}
			}
		}
	}
	return out
}

// filterBy draws a filter on a type. A way comes to readings once at most: to and fro between readings and features takes
// longer than a request may.
func filterBy(t *rapid.T, et *odata.EntityType, variable string, deep int, read bool) string {
	draw := func(label string, list ...string) string { return rapid.SampledFrom(list).Draw(t, label) }
	switch rapid.IntRange(0, 9+deep).Draw(t, "form") {
	case 10:
		return "(" + filterBy(t, et, variable, deep-1, read) + " and " + filterBy(t, et, variable, deep-1, read) + ")"
	case 11:
		return "(" + filterBy(t, et, variable, deep-1, read) + " or " + filterBy(t, et, variable, deep-1, read) + ")"
	case 12:
		return "not (" + filterBy(t, et, variable, deep-1, read) + ")"
	}
	at, path := et, variable
	for n := rapid.IntRange(0, 3).Draw(t, "steps"); n > 0; n-- {
		nav := rapid.SampledFrom(at.Navigations).Draw(t, "nav")
		if toReadings(nav) {
			if read {
				continue
			}
			read = true
		}
		path, at = path+nav.Name+"/", nav.Target
		if nav.Many && deep > 0 && rapid.IntRange(0, 3).Draw(t, "lambda") == 0 {
			v := fmt.Sprintf("v%d", deep)
			return path + draw("quantifier", "any", "any", "all") + "(" + v + ":" + filterBy(t, at, v+"/", deep-1, read) + ")"
		}
	}
	p := rapid.SampledFrom(at.Properties).Draw(t, "property")
	x := path + p.Name
	op := draw("op", "eq", "ne", "gt", "ge", "lt", "le")
	texts := []string{"'a'", "'A'", "'b'", "'10'", "'9'", "'1'", "'a''b'", "'x%y'", "'_'", "'é'", "''", "'2016-01-01T00:00:00Z'"}
	numbers := []string{"0", "1", "2", "2.5", "3", "-3", "10", "1073741825", "2147483649"}
	times := []string{"2016-01-01T00:00:00Z", "2016-01-01T02:00:00Z", "2016-01-01T03:30:00Z", "2016-01-01T01:00:00Z/2016-01-01T03:00:00Z", "2026-11-23T12:00:00Z", "2016-01-01"}
	switch p.Type {
	case odata.TypeID:
		if draw("list", "", "in") == "in" {
			return x + " in (" + draw("n", numbers...) + "," + draw("n", numbers...) + ")"
		}
		return x + " " + op + " " + draw("n", append(numbers, "'1'", "null")...)
	case odata.TypeText:
		switch draw("function", "", "", "in", "startswith", "endswith", "substringof", "length", "tolower") {
		case "in":
			return x + " in (" + draw("s", texts...) + "," + draw("s", texts...) + ")"
		case "startswith":
			return "startswith(" + x + "," + draw("s", texts...) + ")"
		case "endswith":
			return "endswith(" + x + "," + draw("s", texts...) + ")"
		case "substringof":
			return "substringof(" + draw("s", texts...) + "," + x + ")"
		case "length":
			return "length(" + x + ") " + op + " " + draw("n", numbers...)
		case "tolower":
			return "tolower(" + x + ") " + op + " " + draw("s", texts...)
		}
		return x + " " + op + " " + draw("s", append(texts, "null", "9")...)
	case odata.TypeInstant, odata.TypeInterval, odata.TypeTime:
		if f := draw("function", "", "", "before", "after", "overlaps", "starts", "year"); f == "year" {
			return "hour(" + x + ") " + op + " " + draw("n", numbers[:6]...)
		} else if f != "" {
			return f + "(" + x + "," + draw("t", times...) + ")"
		}
		return x + " " + op + " " + draw("t", append(times, "null")...)
	case odata.TypeGeometry:
		return draw("geometry", "st_intersects", "st_within", "st_disjoint", "geo.intersects") + "(" + x + ",geography'" +
			draw("wkt", "POINT(1 1)", "POLYGON((0 0,2 0,2 2,0 2,0 0))", "LINESTRING(0 5,5 0)") + "')"
	case odata.TypeJSON:
		return x + draw("part", "/n", "/s", "/o/n", "/b", "/l[1]", "/symbol") + " " + op + " " + draw("v", append(append(numbers[:5:5], texts[:3]...), "null", "true")...)
	}
	return x + " " + op + " " + draw("v", append(append(numbers[:6:6], texts[:6]...), "null", "true")...)
}

func TestFiltersAgreeWithPlainEvaluation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.randomCity(rand.New(rand.NewPCG(1, 2)))
		m := odata.SensorThings()
		city := w.plainCity(m)
		if len(city[setObservations]) != 60 {
			t.Fatalf("%d Observations", len(city[setObservations]))
		}
		rapid.Check(t, func(rt *rapid.T) {
			et := rapid.SampledFrom(m.Types).Draw(rt, "set")
			text := filterBy(rt, et, "", 3, et.Set == setObservations)
			filter, err := odata.ParseFilter(et, text)
			if err != nil {
				rt.Skip(err)
			}
			order, orders := "", []odata.Order(nil)
			if p := rapid.SampledFrom(et.Properties).Draw(rt, "order"); p.Type != odata.TypeGeometry && p.Name != "id" {
				order = p.Name + rapid.SampledFrom([]string{"", " desc"}).Draw(rt, "desc")
				q, err := odata.ParseQuery(et, "$orderby="+strings.ReplaceAll(order, " ", "%20"))
				if err != nil {
					rt.Fatal(err)
				}
				orders = q.OrderBy
			}
			want := plainly(rt, et, city[et.Set], filter, orders, w.s.newView(t.Context(), "").now)
			path := fmt.Sprintf("/%s?$count=true&$top=%d&$filter=%s", et.Set, rapid.IntRange(1, 7).Draw(rt, "top"), url.QueryEscape(text))
			if order != "" {
				path += "&$orderby=" + url.QueryEscape(order)
			}
			var got []string
			for next := path; next != ""; {
				status, _, body := w.call("GET", next, "")
				if status != 200 {
					rt.Fatalf("%s: %d %s", text, status, body)
				}
				page := w.parse(next, body)
				if fmt.Sprint(page["@iot.count"]) != fmt.Sprint(len(want)) {
					rt.Fatalf("%s by %s: count %v, want %d", text, order, page["@iot.count"], len(want))
				}
				got = append(got, strings.Fields(idsOf(page["value"]))...)
				next, _ = page["@iot.nextLink"].(string)
			}
			if !slices.Equal(got, want) {
				rt.Fatalf("%s by %s:\n got %v\nwant %v", text, order, got, want)
			}
		})
	})
}

// plainly is the ids of those entities that a filter keeps, in order.
func plainly(t *rapid.T, et *odata.EntityType, all []*plainEntity, filter odata.Expr, orders []odata.Order, now int64) []string {
	program := odata.Compile(filter, now)
	var kept []*plainEntity
	for _, e := range all {
		keeps, err := program.Match(e)
		if err != nil {
			t.Fatal(err)
		}
		if keeps {
			kept = append(kept, e)
		}
	}
	slices.SortFunc(kept, func(a, b *plainEntity) int {
		for _, o := range orders {
			by := odata.Compile(o.Expr, now)
			x, _ := by.Value(a)
			y, _ := by.Value(b)
			c := odata.Compare(x, y)
			if et.Set == setObservations && o.Expr.String() == "phenomenonTime" { // the log's own order: by start, then by id
				s1, _, _ := x.Span()
				s2, _, _ := y.Span()
				c = cmp.Or(cmp.Compare(s1, s2), cmp.Compare(a.id, b.id))
			}
			if o.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a.id, b.id)
	})
	out := make([]string, len(kept))
	for i, e := range kept {
		out[i] = fmt.Sprint(e.id)
	}
	return out
}
