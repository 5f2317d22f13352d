package deadline

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// By is what figures are grouped by.
type By string

// The groupings. Kinds of people are not among them, and accounts never.
const (
	ByOrganisation By = "organisation"
	ByPost         By = "post"
	ByCategory     By = "category"
	ByArea         By = "area"
	ByKind         By = "kind"
	ByWhat         By = "what"
)

var bys = [...]By{ByOrganisation, ByPost, ByCategory, ByArea, ByKind, ByWhat}

// None is how a filter names what has none: no category, no post.
const None = "-"

// Query is which rows, and how they are grouped. Nil and zero fields do not narrow.
type Query struct {
	From, To     time.Time // of the limit; To is not in it
	By           By
	Organisation *int64
	Post         *string // of Organisation
	Category     *string
	Kind         string
	What         string
	Area         int64
	// Only leaves out what lies in areas below Area.
	Only   bool
	Status Status // of rows; figures leave it out of account
}

// plain says whether nothing narrows a query but span and area.
func (q *Query) plain() bool {
	return q.Organisation == nil && q.Post == nil && q.Category == nil && q.Kind == "" && q.What == "" && q.Status == ""
}

// Ask is a query as it stands in an address.
type Ask struct {
	From         string `query:"from" doc:"limits that fall on or after it: a time with its offset, or a day of the city; 30 days ago when absent, - for no beginning"`
	To           string `query:"to" doc:"limits that fall before this time, or on this day or before; no end when absent"`
	By           string `query:"by" doc:"what figures are grouped by: organisation (when absent), post, category, area, kind or what"`
	Organisation string `query:"organisation" doc:"its number; 0 is the city's own watch"`
	Post         string `query:"post" doc:"a post of that organisation; - for none"`
	Category     string `query:"category" doc:"of the report behind the case; - for none"`
	Kind         string `query:"kind" doc:"of the case"`
	What         string `query:"what" doc:"state, case, task or ask: what the limit was for"`
	Area         string `query:"area" doc:"its number, with all areas below it"`
	Only         string `query:"only" doc:"true leaves the areas below out"`
	Status       string `query:"status" doc:"rows: on-time, late, within, past, passed-on or withdrawn"`
}

// defaultSpan is how far back a report looks when nobody says.
const defaultSpan = 30 // days

// query reads an ask; zone is the city's, in which days are days.
func (a *Ask) query(now time.Time, zone *time.Location) (*Query, error) {
	q := &Query{By: By(a.By), Kind: a.Kind, What: a.What, Status: Status(a.Status)}
	no := func(field, got, wanted string) error {
		return web.Errorf(http.StatusUnprocessableEntity, "deadlines.bad_query", "%s (%q) was not understood: expected %s", field, got, wanted).At(field)
	}
	var err error
	switch {
	case a.From == "":
		y, m, d := now.In(zone).Date()
		q.From = time.Date(y, m, d-defaultSpan, 0, 0, 0, 0, zone)
	case a.From != None:
		if q.From, err = moment(a.From, zone, 0); err != nil {
			return nil, no("from", a.From, "a time such as 2026-11-23T08:30:00+08:00, a day such as 2026-11-23, or -")
		}
	}
	if a.To != "" && a.To != None {
		if q.To, err = moment(a.To, zone, 1); err != nil {
			return nil, no("to", a.To, "a time such as 2026-11-23T08:30:00+08:00, or a day such as 2026-11-23")
		}
		if !q.To.After(q.From) {
			return nil, no("to", a.To, "a time after from")
		}
	}
	if q.By == "" {
		q.By = ByOrganisation
	}
	number := func(text string) (int64, bool) {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil && n >= 0
	}
	if a.Organisation != "" {
		n, ok := number(a.Organisation)
		if !ok {
			return nil, no("organisation", a.Organisation, "a number")
		}
		q.Organisation = &n
	}
	if a.Area != "" {
		n, ok := number(a.Area)
		if !ok {
			return nil, no("area", a.Area, "a number")
		}
		if q.Area = n; n == 0 {
			q.Area = noArea
		}
	}
	switch a.Only {
	case "", "false":
	case "true":
		q.Only = true
	default:
		return nil, no("only", a.Only, "true or false")
	}
	q.Post, q.Category = named(a.Post), named(a.Category)
	switch {
	case !slices.Contains(bys[:], q.By):
		return nil, no("by", a.By, "organisation, post, category, area, kind or what")
	case q.Post != nil && q.Organisation == nil:
		return nil, no("post", a.Post, "an organisation beside it: posts of two organisations may have one name")
	case q.What != "" && !slices.Contains([]string{"state", "case", "task", "ask"}, q.What):
		return nil, no("what", a.What, "state, case, task or ask")
	case q.Status != "" && !slices.Contains(statuses[:], q.Status):
		return nil, no("status", a.Status, "on-time, late, within, past, passed-on or withdrawn")
	}
	return q, nil
}

// noArea stands for the rows that lie in no area.
const noArea = -1

func named(text string) *string {
	switch text {
	case "":
		return nil
	case None:
		none := ""
		return &none
	default:
		return &text
	}
}

// moment reads a time, or a day and so many days more, at the city's midnight.
func moment(text string, zone *time.Location, more int) (time.Time, error) {
	if strings.ContainsAny(text, "Tt") {
		return time.Parse(time.RFC3339, text)
	}
	d, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return d, err
	}
	y, m, day := d.Date()
	return time.Date(y, m, day+more, 0, 0, 0, 0, zone), nil
}

// cursorOf reads where a page begins.
func cursorOf(after string) (cursor, error) {
	if after == "" {
		return beginning, nil
	}
	due, id, _ := strings.Cut(after, ".")
	d, err1 := strconv.ParseInt(due, 10, 64)
	n, err2 := strconv.ParseInt(id, 10, 64)
	if err1 != nil || err2 != nil {
		return beginning, web.Errorf(http.StatusUnprocessableEntity, "deadlines.bad_query", "after (%q) was not understood: expected the next of the page before", after).At("after")
	}
	return cursor{d, n}, nil
}

func (c cursor) String() string {
	return strconv.FormatInt(c.due, 10) + "." + strconv.FormatInt(c.id, 10)
}
