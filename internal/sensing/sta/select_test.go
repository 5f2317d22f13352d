package sta

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// fieldsOf are the properties and navigations of a set, the properties that may be missing marked by a question mark.
func fieldsOf(t *odata.EntityType) (props, navs []string) {
	for _, p := range t.Properties {
		if p.Name == "id" {
			continue
		}
		name := p.Name
		if !p.Mandatory && p.Name != "phenomenonTime" && !(t.Set == setObservations && p.Name == "resultTime") || t.Set == setDatastreams && p.Name == "phenomenonTime" {
			name += "?"
		}
		props = append(props, name)
	}
	for _, n := range t.Navigations {
		navs = append(navs, n.Name)
	}
	return props, navs
}

// shows checks that an entity has just what it should have.
func (w *readWorld) shows(path string, e map[string]any, t *odata.EntityType, q *odata.Query, nested bool) {
	w.t.Helper()
	props, navs := fieldsOf(t)
	chosen := func(name string) bool {
		return len(q.Select) == 0 || slices.ContainsFunc(q.Select, func(s *odata.Selected) bool { return s.String() == name })
	}
	has := func(name string, want bool) {
		if _, ok := e[name]; ok != want {
			w.t.Errorf("%s: %s is there: %v, want %v, in %v", path, name, ok, want, e)
		}
	}
	has("@iot.id", chosen("id"))
	has("@iot.selfLink", len(q.Select) == 0)
	for _, p := range props {
		name, optional := strings.CutSuffix(p, "?")
		if !chosen(name) {
			has(name, false)
		} else if !optional {
			has(name, true)
		}
	}
	for _, n := range navs {
		i := slices.IndexFunc(q.Expand, func(x *odata.Expand) bool { return x.Nav.Name == n })
		has(n, i >= 0)
		has(n+"@iot.navigationLink", chosen(n) && (i < 0 || len(q.Select) > 0))
		if i < 0 {
			continue
		}
		inner := q.Expand[i]
		if !inner.Nav.Many {
			w.shows(path, e[n].(map[string]any), inner.Nav.Target, inner.Query, true)
			continue
		}
		has(n+"@iot.count", inner.Query.Count != nil && *inner.Query.Count)
		for _, v := range e[n].([]any) {
			w.shows(path, v.(map[string]any), inner.Nav.Target, inner.Query, true)
		}
	}
}

func (w *readWorld) showsAll(set, options string) {
	w.t.Helper()
	m := odata.SensorThings()
	q, err := odata.ParseQuery(m.Set(set), strings.ReplaceAll(options, " ", "%20"))
	if err != nil {
		w.t.Fatalf("%s?%s: %v", set, options, err)
	}
	list := w.get("/" + set + "?" + options)["value"].([]any)
	if len(list) == 0 {
		w.t.Errorf("%s?%s: nothing", set, options)
	}
	for _, v := range list {
		w.shows(set+"?"+options, v.(map[string]any), m.Set(set), q, false)
	}
	one := fmt.Sprintf("/%s(%v)?%s", set, idsOfFirst(w, set), options)
	w.shows(one, w.get(one), m.Set(set), q, false)
}

func idsOfFirst(w *readWorld, set string) string {
	return strings.Fields(w.ids("/" + set + "?$top=1"))[0]
}

func TestSelect(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		for _, et := range odata.SensorThings().Types {
			props, navs := fieldsOf(et)
			var all []string
			for _, p := range append(append([]string{"id"}, props...), navs...) {
				p = strings.TrimSuffix(p, "?")
				all = append(all, p)
				w.showsAll(et.Set, "$select="+p)
				w.showsAll(et.Set, "$select="+strings.Join(all, ","))
			}
		}
		w.refused("/Things?$select=nmae", 400, "did you mean name?")
	})
}

func TestExpandEveryRelationTwoLevelsDeep(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		flip := false
		for _, et := range odata.SensorThings().Types {
			var all []string
			for _, n := range et.Navigations {
				w.showsAll(et.Set, "$expand="+n.Name)
				for _, m := range n.Target.Navigations {
					w.showsAll(et.Set, "$expand="+n.Name+"/"+m.Name)
					all = append(all, n.Name+"/"+m.Name)
					options := "$select=" + m.Target.Navigations[0].Name + ",id"
					if m.Many {
						options += fmt.Sprintf(";$top=2;$skip=0;$count=%t", flip)
					}
					outer := "$select=" + n.Target.Properties[1].Name + ",id;$expand=" + m.Name + "(" + options + ")"
					if n.Many {
						outer = fmt.Sprintf("$top=2;$skip=0;%s;$count=%t", outer, !flip)
					}
					flip = !flip
					w.showsAll(et.Set, "$select=id,"+et.Properties[1].Name+"&$expand="+n.Name+"("+outer+")")
				}
			}
			w.showsAll(et.Set, "$expand="+strings.Join(all, ","))
		}
		w.refused("/Things?$expand=Sensor", 400, "$expand")
	})
}

func TestExpandWithOptions(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		// Each Datastream has three Observations: n, n+4, n+8.
		results := func(list any) string {
			var out []string
			for _, v := range list.([]any) {
				out = append(out, fmt.Sprint(v.(map[string]any)["result"]))
			}
			return strings.Join(out, " ")
		}
		for options, want := range map[string]string{
			"":                                    "1 5 9|2 6 10|3 7 11|4 8 12",
			"$top=1;$orderby=phenomenonTime desc": "9|10|11|12",
			"$top=2;$skip=1":                      "5 9|6 10|7 11|8 12",
			"$filter=result gt 6":                 "9|10|7 11|8 12",
			"$filter=result gt 6;$orderby=result desc;$top=1": "9|10|11|12",
			"$orderby=result desc":                            "9 5 1|10 6 2|11 7 3|12 8 4",
			"$filter=phenomenonTime lt 2026-03-05T00:00:00Z":  "1|2|3|4",
			"$top=0": "|||",
			"$filter=Datastream/Thing/name eq 'thing 1';$top=1":   "1|2||",
			"$orderby=phenomenonTime desc;$filter=id gt 0;$top=1": "9|10|11|12",
		} {
			expand := "Observations(" + options + ")"
			if options == "" {
				expand = "Observations"
			}
			var got []string
			for _, d := range w.get("/Datastreams?$expand=" + expand)["value"].([]any) {
				got = append(got, results(d.(map[string]any)["Observations"]))
			}
			if all := strings.Join(got, "|"); all != want {
				t.Errorf("%s: %s, want %s", options, all, want)
			}
		}
		// Counts are of all, nextLinks lead to the rest, with the options of the expansion.
		d := w.get("/Datastreams(1)?$expand=Observations($top=1;$count=true;$orderby=phenomenonTime desc;$select=result)")
		if fmt.Sprint(d["Observations@iot.count"]) != "3" || results(d["Observations"]) != "9" {
			t.Errorf("%v", d)
		}
		rest := ""
		for next, _ := d["Observations@iot.nextLink"].(string); next != ""; {
			page := w.get(next)
			rest += results(page["value"]) + " "
			if len(page["value"].([]any)[0].(map[string]any)) != 1 {
				t.Errorf("%v", page)
			}
			next, _ = page["@iot.nextLink"].(string)
		}
		if rest != "5 1 " {
			t.Errorf("the rest is %q", rest)
		}
		things := w.get("/Things?$expand=Datastreams($top=1;$count=true;$orderby=name desc;$expand=Sensor($select=name),Observations($top=1))")["value"].([]any)
		for i, v := range things {
			e := v.(map[string]any)
			inner := e["Datastreams"].([]any)[0].(map[string]any)
			if fmt.Sprint(e["Datastreams@iot.count"]) != "2" || inner["name"] != fmt.Sprintf("datastream %d.2", i+1) ||
				inner["Sensor"].(map[string]any)["name"] != fmt.Sprintf("sensor %d.2", i+1) || results(inner["Observations"]) != fmt.Sprint(2*i+2) {
				t.Errorf("%v", e)
			}
			next := w.get(e["Datastreams@iot.nextLink"].(string))
			if got := next["value"].([]any); len(got) != 1 || got[0].(map[string]any)["name"] != fmt.Sprintf("datastream %d.1", i+1) ||
				got[0].(map[string]any)["Sensor"].(map[string]any)["name"] != fmt.Sprintf("sensor %d.1", i+1) {
				t.Errorf("%v", next)
			}
		}
		// What SQL can't filter or sort is filtered and sorted here, for each by itself.
		for i, v := range w.get("/Things?$expand=Datastreams($filter=length(name) eq 14;$orderby=concat(name,'x') desc;$top=1;$count=true)")["value"].([]any) {
			e := v.(map[string]any)
			if fmt.Sprint(e["Datastreams@iot.count"]) != "2" || e["Datastreams"].([]any)[0].(map[string]any)["name"] != fmt.Sprintf("datastream %d.2", i+1) {
				t.Errorf("%v", e)
			}
			next := w.get(e["Datastreams@iot.nextLink"].(string))["value"].([]any)
			if len(next) != 1 || next[0].(map[string]any)["name"] != fmt.Sprintf("datastream %d.1", i+1) {
				t.Errorf("%v", next)
			}
		}
		o := w.get("/Observations?$top=2&$expand=Datastream/Thing,FeatureOfInterest($select=name)")["value"].([]any)[0].(map[string]any)
		if o["Datastream"].(map[string]any)["Thing"].(map[string]any)["name"] != "thing 1" || len(o["FeatureOfInterest"].(map[string]any)) != 1 {
			t.Errorf("%v", o)
		}
	})
}
