package sta

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// get is one GET under way.
type get struct {
	*view
	model *odata.Model
	w     http.ResponseWriter
	r     *http.Request
}

// answer answers the request for a resource.
func (g *get) answer(res *odata.Resource, err error) error {
	switch {
	case err != nil:
		return err
	case res.Form == odata.FormRoot:
		return g.index()
	}
	q, err := odata.ParseQuery(res.Type(), g.r.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := g.check(res, q); err != nil {
		return err
	}
	steps := res.Steps
	last := steps[len(steps)-1]
	if res.Many() {
		if len(steps) == 1 {
			return g.set(res, q, nil, last)
		}
		at, err := g.walk(steps[:len(steps)-1])
		if err != nil {
			return err
		}
		return g.set(res, q, at, last)
	}
	at, err := g.walk(steps)
	if errors.Is(err, errNothing) && len(steps) > 1 && !last.HasID {
		return g.nothing() // a way to one entity that leads to none
	}
	if err != nil {
		return err
	}
	switch res.Form {
	case odata.FormRef:
		e := g.encoder()
		dst := appendPath(append(g.buffer(), `{"@iot.selfLink":"`...), e.root, at.t.Set, at.id())
		return g.send("application/json", append(dst, `"}`...))
	case odata.FormEntity:
		return g.entity(q, at)
	}
	return g.property(res, at)
}

// check refuses options that mean nothing where they stand.
func (g *get) check(res *odata.Resource, q *odata.Query) error {
	bad := func(option, format string, args ...any) error {
		return web.Errorf(http.StatusBadRequest, "sensing.bad_query", format, args...).At(option)
	}
	set := res.Many()
	switch {
	case res.Form == odata.FormProperty || res.Form == odata.FormValue:
		if options := (&odata.Query{Filter: q.Filter, Select: q.Select, Expand: q.Expand, OrderBy: q.OrderBy}).Encode(); options != "" {
			name, _, _ := strings.Cut(options, "=")
			return bad(name, "%s means nothing for one property", name)
		}
	case !set && q.Filter != nil:
		return bad("$filter", "$filter chooses from a set, and this is one entity")
	case !set && q.SkipToken != "":
		return bad("$skiptoken", "$skiptoken continues a list, and this is one entity")
	case res.Form == odata.FormRef && len(q.Expand) > 0:
		return bad("$expand", "$ref gives links alone: nothing can be expanded")
	case res.Form == odata.FormRef && len(q.Select) > 0:
		return bad("$select", "$ref gives links alone: nothing can be selected")
	}
	switch q.ResultFormat {
	case "", "json":
	case "dataArray":
		if !set || res.Form != odata.FormSet || res.Type().Set != setObservations {
			return bad("$resultFormat", "dataArray is a form of lists of Observations")
		}
		if len(q.Expand) > 0 {
			return bad("$expand", "a data array has no place for expanded entities")
		}
	default:
		return bad("$resultFormat", "expected dataArray, got %q", shorten(q.ResultFormat))
	}
	return nil
}

// set answers for a set, or for what stands behind a to-many navigation of an entity.
func (g *get) set(res *odata.Resource, q *odata.Query, at *found, last odata.Step) error {
	p, err := g.plan(last.Type, q)
	if err != nil {
		return err
	}
	top, skip := paging(q)
	var items []*item
	var count int64
	var next string
	if p.k == nil {
		a := asked{query: q, top: top, skip: skip}
		if err := g.within(&a, at); err != nil {
			return err
		}
		page, err := g.latestOr(a)
		if err != nil {
			return err
		}
		if res.Form == odata.FormSet && len(p.expands) == 0 {
			return g.readings(p, page)
		}
		count, next = page.count, page.next
		items = make([]*item, len(page.stored))
		for i := range page.stored {
			items[i] = &item{s: &page.stored[i]}
		}
	} else {
		l := &listing{k: p.k, query: q, top: top, skip: skip}
		if at != nil {
			l.parent = &behindOne{kindOf(at.t.Set).link(last.Nav.Name), at.row.id}
		}
		page, err := g.list(l)
		if err != nil {
			return err
		}
		count, next = page.count, page.next
		items = make([]*item, len(page.rows))
		for i, r := range page.rows {
			items[i] = &item{row: r}
		}
	}
	e := g.encoder()
	if res.Form == odata.FormRef {
		return g.sendList(count, next, len(items), func(dst []byte, i int) ([]byte, error) {
			id := found{row: items[i].row, s: items[i].s}.id()
			dst = appendPath(append(dst, `{"@iot.selfLink":"`...), e.root, p.t.Set, id)
			return append(dst, `"}`...), nil
		})
	}
	g.view.shown = len(items)
	if err := g.expand(p, items); err != nil {
		return err
	}
	return g.sendList(count, next, len(items), func(dst []byte, i int) ([]byte, error) { return e.item(dst, p, items[i]) })
}

// within says of which datastreams or feature the Observations are that a path leads to.
func (g *get) within(a *asked, at *found) error {
	switch {
	case at == nil:
	case at.t.Set == setDatastreams:
		a.datastreams = []int64{at.row.id}
	default:
		return g.ofFeature(a, at.row.id)
	}
	return nil
}

// readings answers with a page of Observations in which nothing is expanded.
func (g *get) readings(p *plan, page *readingsPage) error {
	e := g.encoder()
	if p.query.ResultFormat == "dataArray" {
		return g.arrays(p, e, page)
	}
	return g.sendList(page.count, page.next, len(page.stored), func(dst []byte, i int) ([]byte, error) {
		if err := e.more(dst, p); err != nil {
			return dst, err
		}
		return e.reading(dst, p, &page.stored[i]), nil
	})
}

// sendList sends a page, of which item appends the parts.
func (g *get) sendList(count int64, next string, n int, item func(dst []byte, i int) ([]byte, error)) error {
	dst := append(g.buffer(), '{')
	if count >= 0 {
		dst = append(appendInt(append(dst, `"@iot.count":`...), count), ',')
	}
	dst = append(dst, `"value":[`...)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = item(dst, i); err != nil {
			return err
		}
	}
	dst = append(dst, ']')
	return g.send("application/json", append(g.appendNext(dst, next), '}'))
}

// appendNext appends the link to the next page: the same request behind the last entity that was shown.
func (g *get) appendNext(dst []byte, token string) []byte {
	if token == "" {
		return dst
	}
	var options []string
	for _, part := range strings.Split(g.r.URL.RawQuery, "&") {
		name := part
		if plain, err := url.QueryUnescape(part); err == nil {
			name, _, _ = strings.Cut(plain, "=")
		}
		switch name {
		case "", "$skip", "$skiptoken":
		default:
			options = append(options, part)
		}
	}
	options = append(options, "$skiptoken="+token)
	path := strings.TrimSuffix(strings.TrimPrefix(g.r.URL.EscapedPath(), Root), "/")
	return appendText(append(dst, `,"@iot.nextLink":`...), g.root+path+"?"+strings.Join(options, "&"))
}

// entity answers with one entity.
func (g *get) entity(q *odata.Query, at *found) error {
	p, err := g.plan(at.t, q)
	if err != nil {
		return err
	}
	it := &item{row: at.row, s: at.s}
	if err := g.expand(p, []*item{it}); err != nil {
		return err
	}
	dst, err := g.encoder().item(g.buffer(), p, it)
	if err != nil {
		return err
	}
	return g.send("application/json", dst)
}

// property answers with a property, or a part of one.
func (g *get) property(res *odata.Resource, at *found) error {
	var e odata.Entity
	if at.s != nil {
		e = &readingEntity{g.view, at.s}
	} else {
		e = &entity{g.view, kindOf(at.t.Set), at.row}
	}
	v, err := odata.Compile(&odata.Path{From: at.t, Prop: res.Property, Sub: res.Sub}, g.now).Value(e)
	if err != nil {
		return err
	}
	if v.IsNull() {
		return g.nothing()
	}
	name := lastPart(res)
	text := g.appendProperty(nil, res, at, v)
	if res.Form == odata.FormProperty {
		dst := append(append(appendText(append(g.buffer(), '{'), name), ':'), text...)
		return g.send("application/json", append(dst, '}'))
	}
	if v.Kind() == odata.KindText {
		text = []byte(v.Text())
	} else if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1] // a time
	}
	return g.send("text/plain; charset=utf-8", text)
}

// lastPart is the last part of a path to a property, as it was written: intArray[1].
func lastPart(res *odata.Resource) string {
	name := res.Property.Name
	for _, k := range res.Sub {
		if k.Name != "" {
			name = k.Name
		} else {
			name += "[" + strconv.Itoa(k.Index) + "]"
		}
	}
	return name
}

// appendProperty appends the value of a property as JSON, just as the entity shows it.
func (g *get) appendProperty(dst []byte, res *odata.Resource, at *found, v odata.Value) []byte {
	switch {
	case len(res.Sub) > 0:
	case at.s != nil && res.Property.Name != "id":
		return appendReadingField(dst, res.Property.Name, at.s, false)
	case v.Kind() == odata.KindTime && res.Property.Type == odata.TypeInterval:
		start, end, _ := v.Span()
		return appendInterval(dst, start, end)
	}
	return appendValue(dst, v)
}

// nothing answers that there is no value.
func (g *get) nothing() error {
	g.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (g *get) buffer() []byte { return make([]byte, 0, 4096) }

// send sends the answer, unless the time was over before it was complete.
func (g *get) send(contentType string, body []byte) error {
	if err := g.ctx.Err(); err != nil {
		return err
	}
	g.w.Header().Set("Content-Type", contentType)
	g.w.Header().Set("Cache-Control", "no-cache") // it may be kept, and must be asked for again
	_, _ = g.w.Write(body)                        // a client that has gone gets no answer
	return nil
}
