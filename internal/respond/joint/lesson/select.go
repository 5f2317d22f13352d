package lesson

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

const (
	// MaxAssets is how many assets one lesson may be for.
	MaxAssets = 20_000
	// MaxTasks is how many tasks one lesson may give: each is a line of one timeline and of a team's inbox.
	MaxTasks = 2_000
	// maxConditions bounds one selection.
	maxConditions = 8
)

// Asset is what a selection looks at.
type Asset struct {
	ID           int64
	Area         int64 // the smallest that is no grid cell
	Cell         int64 // where it lies: a grid cell where there is a grid
	Organisation int64 // who holds it; 0: nobody that the register knows
	// Says is what the register says of it: words and numbers by name.
	Says map[string]any
}

// Kind is a kind of asset with how many there are, and what the register says of them.
type Kind struct {
	ID     string         `json:"id"`
	Title  lifecycle.Text `json:"title"`
	Assets int            `json:"assets"`
}

// Register is what a lesson asks of the city's register; app fulfils it. It may read the store and is never asked within a
// transaction.
type Register interface {
	Kinds(ctx context.Context) ([]Kind, error)
	// Each calls fn with every asset of a kind, in the order of their ids.
	Each(ctx context.Context, kind string, fn func(Asset) error) error
	// Within says whether an area is another or lies in it.
	Within(area, within int64) bool
	// Name returns what people call an asset, area or organisation. It answers from memory.
	Name(ctx context.Context, kind string, id int64) lifecycle.Text
}

// Selection says which assets are alike.
type Selection struct {
	Kind       string      `json:"kind" doc:"kind of asset: pack/kind"`
	Area       int64       `json:"area,omitempty" doc:"in this area; everywhere when left out"`
	Holder     int64       `json:"holder,omitempty" doc:"held by this organisation; by any when left out"`
	Conditions []Condition `json:"conditions,omitempty" doc:"what the register must say of each; all hold"`
	// Unsaid takes in assets of which the register does not say what a condition asks for.
	Unsaid bool `json:"unsaid,omitempty" doc:"also those of which the register does not say"`
}

// Condition is about one property of an asset.
type Condition struct {
	Property string `json:"property" example:"made"`
	Is       string `json:"is" enum:"equal,other,below,above"`
	Value    string `json:"value" example:"2015"`
}

// holds says whether the condition holds; known is false where the register does not say.
func (c Condition) holds(says map[string]any) (holds, known bool) {
	v, ok := says[c.Property]
	if !ok || v == nil || v == "" {
		return false, false
	}
	text := strings.TrimSpace(fmt.Sprint(v))
	if n, ok := v.(float64); ok {
		text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	order := strings.Compare(strings.ToLower(text), strings.ToLower(c.Value))
	a, err1 := strconv.ParseFloat(text, 64)
	b, err2 := strconv.ParseFloat(c.Value, 64)
	switch {
	case err1 == nil && err2 == nil:
		order = 0
		if a < b {
			order = -1
		} else if a > b {
			order = 1
		}
	case c.Is == "below" || c.Is == "above": // years and days as ISO 8601 sort as text; anything else is not comparable
		if !isDay(text) || !isDay(c.Value) {
			return false, false
		}
		// 2015-06 is within 2015, neither below nor above it.
		n := min(len(text), len(c.Value))
		order = strings.Compare(text[:n], c.Value[:n])
	}
	switch c.Is {
	case "equal":
		return order == 0, true
	case "other":
		return order != 0, true
	case "below":
		return order < 0, true
	}
	return order > 0, true
}

// isDay says whether text is a year, a month or a day: 2015, 2015-06, 2015-06-30.
func isDay(text string) bool {
	parts := strings.Split(text, "-")
	if len(parts) > 3 || len(parts[0]) != 4 {
		return false
	}
	for i, p := range parts {
		if i > 0 && len(p) != 2 {
			return false
		}
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return false
		}
	}
	return true
}

func (s Selection) check() error {
	bad := func(field, format string, args ...any) error {
		return web.Errorf(http.StatusUnprocessableEntity, "lesson.selection", format, args...).At(field)
	}
	if s.Kind == "" {
		return bad("kind", "say which kind of asset")
	}
	if len(s.Conditions) > maxConditions {
		return bad("conditions", "at most %d conditions, got %d", maxConditions, len(s.Conditions))
	}
	for i, c := range s.Conditions {
		field := fmt.Sprintf("conditions[%d]", i)
		switch {
		case c.Property == "" || c.Value == "":
			return bad(field, "a condition has a property and a value")
		case !slices.Contains([]string{"equal", "other", "below", "above"}, c.Is):
			return bad(field, "expected equal, other, below or above, got %q", c.Is)
		case (c.Is == "below" || c.Is == "above") && !isDay(c.Value):
			if _, err := strconv.ParseFloat(c.Value, 64); err != nil {
				return bad(field, "%s compares numbers, years or days (2015, 2015-06, 2015-06-30), got %q", c.Is, c.Value)
			}
		}
	}
	return nil
}

// Preview is what a selection would send out.
type Preview struct {
	Assets  int `json:"assets" doc:"that many would be checked"`
	Tasks   int `json:"tasks"`
	Unsaid  int `json:"unsaid" doc:"of so many more the register does not say what is asked for; they are taken in if the selection says so"`
	Outside int `json:"outside" doc:"so many more match but lie outside what you answer for"`
	NoOwner int `json:"no_holder" doc:"so many of the assets have no holder; their tasks go to whoever sends the lesson"`
	// MaxAssets and MaxTasks are what one lesson may have; Refused says which is passed: assets or tasks.
	MaxAssets int    `json:"max_assets"`
	MaxTasks  int    `json:"max_tasks"`
	Refused   string `json:"refused,omitempty" enum:"assets,tasks"`
	Areas     []Part `json:"areas"`
	Holders   []Part `json:"holders"`
}

// Part is what falls to one area or one organisation.
type Part struct {
	ID     int64          `json:"id"`
	Name   lifecycle.Text `json:"name"`
	Assets int            `json:"assets"`
}

// pick returns the assets of a selection that the actor may send to, and counts the others.
func (s *Service) pick(ctx context.Context, sel Selection, per string) ([]Asset, *Preview, error) {
	if err := sel.check(); err != nil {
		return nil, nil, err
	}
	p := &Preview{MaxAssets: MaxAssets, MaxTasks: MaxTasks, Areas: []Part{}, Holders: []Part{}}
	var found []Asset
	known := false
	err := s.Register.Each(ctx, sel.Kind, func(a Asset) error {
		known = true
		if sel.Area != 0 && !s.Register.Within(a.Cell, sel.Area) || sel.Holder != 0 && a.Organisation != sel.Holder {
			return nil
		}
		unsaid := false
		for _, c := range sel.Conditions {
			holds, said := c.holds(a.Says)
			if said && !holds {
				return nil
			}
			unsaid = unsaid || !said
		}
		if s.Cases.Access.Decide(ctx, "lesson.send", access.Resource{Type: "asset", ID: a.ID, Organisation: a.Organisation, Area: a.Cell}, access.Operations) != nil {
			p.Outside++
			return nil
		}
		if unsaid {
			p.Unsaid++
			if !sel.Unsaid {
				return nil
			}
		}
		found = append(found, a)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if !known {
		return nil, nil, web.Errorf(http.StatusUnprocessableEntity, "lesson.selection", "the register has no asset of the kind %q", sel.Kind).At("kind")
	}
	areas, holders := map[int64]int{}, map[int64]int{}
	for _, a := range found {
		areas[a.Area]++
		holders[a.Organisation]++
	}
	p.Assets, p.Tasks, p.NoOwner = len(found), len(found), holders[0]
	if per == "holder" {
		p.Tasks = len(holders)
	}
	switch {
	case p.Assets > MaxAssets:
		p.Refused = "assets"
	case p.Tasks > MaxTasks:
		p.Refused = "tasks"
	}
	p.Areas, p.Holders = s.parts(ctx, "area", areas), s.parts(ctx, "organisation", holders)
	return found, p, nil
}

// parts names what was counted, the largest first.
func (s *Service) parts(ctx context.Context, kind string, counted map[int64]int) []Part {
	out := make([]Part, 0, len(counted))
	for id, n := range counted {
		out = append(out, Part{ID: id, Name: s.name(ctx, kind, id), Assets: n})
	}
	slices.SortFunc(out, func(a, b Part) int {
		if a.Assets != b.Assets {
			return b.Assets - a.Assets
		}
		return int(a.ID - b.ID)
	})
	return out
}

// name is what people call a thing; 0 and what has gone are said in words.
func (s *Service) name(ctx context.Context, kind string, id int64) lifecycle.Text {
	if id != 0 {
		if n := s.Register.Name(ctx, kind, id); n != (lifecycle.Text{}) {
			return n
		}
		return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("编号%d", id))
	}
	if kind == "area" {
		return lifecycle.Words("in no area", "未落入辖区")
	}
	return lifecycle.Words("no holder", "无责任单位")
}

// refuse says why so much can't go out.
func (p *Preview) refuse() error {
	switch {
	case p.Assets == 0:
		return web.Errorf(http.StatusUnprocessableEntity, "lesson.none", "no asset matches the selection").At("selection")
	case p.Refused == "assets":
		return web.Errorf(http.StatusUnprocessableEntity, "lesson.too_many", "the selection has %d assets; a lesson is for at most %d: narrow it by area, holder or property", p.Assets, MaxAssets).At("selection")
	case p.Refused == "tasks":
		return web.Errorf(http.StatusUnprocessableEntity, "lesson.too_many", "that would be %d tasks; a lesson gives at most %d: give one task per holder, or narrow it", p.Tasks, MaxTasks).At("per")
	}
	return nil
}
