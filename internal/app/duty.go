package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/warn"
)

// newWatch makes the watch.
func (a *App) newWatch(ctx context.Context) (*watch.Service, error) {
	site, err := a.site(ctx)
	if err != nil {
		return nil, err
	}
	return watch.New(watch.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Cases: a.respond, Register: register{a}, Elsewhere: elsewhere{a}, Vault: a.vault, News: a.bus,
		Upward: a.packs.upward, City: lifecycle.Words(site.Name.English, site.Name.Chinese), Zone: site.TimeZone, Posts: a.packs.posts.title,
	})
}

var (
	_ watch.Register  = register{}
	_ watch.Elsewhere = elsewhere{}
)

// Posts fulfils watch.Register.
func (r register) Posts(ctx context.Context) ([]watch.RegisterPost, error) {
	ctx = access.With(ctx, access.System("watch"))
	var posts []watch.RegisterPost
	seen := map[watch.RegisterPost]bool{}
	for after := int64(0); ; {
		page, next, err := r.city.Duties(ctx, "", 0, 0, after, city.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			if p := (watch.RegisterPost{Organisation: d.Organisation, Name: d.Post}); d.Post != "" && !seen[p] {
				seen[p] = true
				posts = append(posts, p)
			}
		}
		if after = next; next == 0 {
			return posts, nil
		}
	}
}

// District fulfils watch.Register: the districts are the areas at the top, below a city that stands as one area above them.
func (r register) District(ctx context.Context) (func(area int64) (int64, lifecycle.Text), error) {
	areas, err := r.districts(ctx)
	if err != nil {
		return nil, err
	}
	below := map[int64][]city.Area{}
	for _, a := range areas {
		below[a.Parent] = append(below[a.Parent], a)
	}
	top := below[0]
	for len(top) == 1 && len(below[top[0].ID]) > 0 {
		top = below[top[0].ID]
	}
	return func(area int64) (int64, lifecycle.Text) {
		for _, d := range top {
			if r.city.AreaWithin(area, d.ID) {
				return d.ID, lifecycle.Words(d.Name.In("en"), d.Name.In("zh-CN"))
			}
		}
		return 0, lifecycle.Text{}
	}, nil
}

// elsewhere tells the watch what is open in the rooms before it.
type elsewhere struct{ *App }

// Open fulfils watch.Elsewhere.
func (e elsewhere) Open(ctx context.Context) ([]watch.Item, error) {
	var items []watch.Item
	err := e.alerts(ctx, detect.Filter{Open: true}, func(a *detect.Alert) { items = append(items, alertItem(a)) })
	if err != nil {
		return nil, err
	}
	err = e.warnings(ctx, func(w warn.Warning) {
		if i, open := warningItem(w, e.clock.Now()); open {
			items = append(items, i)
		}
	})
	if err != nil {
		return nil, err
	}
	answers, err := e.answers(ctx)
	return append(items, answers...), err
}

// answers are what is open of the plans and in the joint rooms.
func (e elsewhere) answers(ctx context.Context) ([]watch.Item, error) {
	const most = 200
	var items []watch.Item
	for before := int64(0); ; {
		page, next, err := e.plan.Proposals(ctx, true, before, most)
		if err != nil {
			return nil, err
		}
		for i := range page {
			items = append(items, proposalItem(&page[i]))
		}
		if before = next; next == 0 {
			break
		}
	}
	for before := int64(0); ; {
		page, next, err := e.plan.Responses(ctx, plan.Filter{Active: true, Before: before, Limit: most})
		if err != nil {
			return nil, err
		}
		for i := range page {
			items = append(items, responseItem(&page[i]))
		}
		if before = next; next == 0 {
			break
		}
	}
	short, err := e.joint.Uncovered(ctx)
	if err != nil {
		return nil, err
	}
	for i := range short {
		items = append(items, requestItem(&short[i], e.clock.Now()))
	}
	return items, nil
}

func proposalItem(p *plan.ProposalView) watch.Item {
	deed := map[string]lifecycle.Text{
		"open": lifecycle.Words("open", "启动"), "raise": lifecycle.Words("raise to", "提升至"),
		"lower": lifecycle.Words("lower to", "降至"), "end": lifecycle.Words("end", "终止"),
	}[p.What]
	level := lifecycle.Text{}
	if p.LevelTitle != nil {
		level = lifecycle.Words(" "+p.LevelTitle.En, p.LevelTitle.Zh)
	}
	title := lifecycle.Words(p.PlanTitle.En+": "+deed.En+level.En, p.PlanTitle.Zh+"："+deed.Zh+level.Zh)
	return watch.Item{Kind: watch.ItemProposal, ID: p.ID, Title: at(title, p.AssetName, p.PlaceName, p.AreaName), Since: &p.At,
		State: lifecycle.Words("waits for a decision", "待决定")}
}

func responseItem(r *plan.ResponseView) watch.Item {
	title := lifecycle.Words(r.Title.En+", "+r.LevelTitle.En, r.Title.Zh+r.LevelTitle.Zh)
	i := watch.Item{Kind: watch.ItemResponse, ID: r.ID, Case: r.Case, Title: at(title, r.AssetName, r.PlaceName, r.AreaName), Since: &r.OpenedAt,
		State: lifecycle.Words("under way", "响应中")}
	if r.CaseClosed {
		i.State = lifecycle.Words("its incident is closed; to be ended", "事件已办结，待终止响应")
	}
	if r.Drill {
		i.State = lifecycle.Words("drill, "+i.State.En, "演练，"+i.State.Zh)
	}
	return i
}

func requestItem(r *joint.Uncovered, now time.Time) watch.Item {
	title := fmt.Sprintf("%s %d%s", r.What, r.Quantity, r.Unit)
	return watch.Item{Kind: watch.ItemRequest, ID: r.ID, Case: r.Case, Title: lifecycle.Words(title, title), Since: &r.At, DueAt: r.NeededBy,
		Overdue: r.NeededBy != nil && !r.NeededBy.After(now),
		State:   lifecycle.Words(fmt.Sprintf("%d of %d not promised", r.Open, r.Quantity), fmt.Sprintf("缺口%d（共需%d）", r.Open, r.Quantity))}
}

// at adds where something is, by the first name that is known.
func at(what lifecycle.Text, names ...*lifecycle.Text) lifecycle.Text {
	for _, n := range names {
		if n != nil && *n != (lifecycle.Text{}) {
			return lifecycle.Words(what.En+", "+n.En, n.Zh+"，"+what.Zh)
		}
	}
	return what
}

// Figures fulfils watch.Elsewhere.
func (e elsewhere) Figures(ctx context.Context, s respond.Span) ([]watch.Figure, error) {
	f := figures{at: map[string]int{}}
	err := e.warnings(ctx, func(w warn.Warning) {
		if w.Sent == nil || !w.Sent.Before(s.To) {
			return
		}
		level := levelWord(string(w.Level))
		item, _ := warningItem(w, s.To)
		if !w.Sent.Before(s.From) {
			f.add(watch.GroupWarnings, string(w.Level), level, "issued", item)
		}
		end := w.Expires
		if w.EndedAt != nil && w.EndedAt.Before(end) {
			end = *w.EndedAt
		}
		switch {
		case !end.Before(s.To):
			f.add(watch.GroupWarnings, string(w.Level), level, "active", item)
		case !end.Before(s.From):
			f.add(watch.GroupWarnings, string(w.Level), level, "ended", item)
		}
	})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	load, err := e.detect.Figures(ctx, s.From, s.To)
	if err != nil {
		return nil, err
	}
	for _, d := range load.Detectors {
		names[d.Name] = d.Owner
	}
	count := func(column string) func(a *detect.Alert) {
		return func(a *detect.Alert) {
			f.add(watch.GroupAlarms, names[a.Detector], e.postWord(names[a.Detector]), column, alertItem(a))
		}
	}
	if err := e.alerts(ctx, detect.Filter{From: s.From, To: s.To}, count("raised")); err != nil {
		return nil, err
	}
	err = e.alerts(ctx, detect.Filter{Open: true}, func(a *detect.Alert) {
		if i := alertItem(a); i.Kind == watch.ItemShelved {
			count("shelved")(a)
		} else {
			count("open")(a)
		}
	})
	if err != nil {
		return nil, err
	}
	f.peaks()
	return f.list, nil
}

// figures gathers figures with their rows.
type figures struct {
	list []watch.Figure
	at   map[string]int
}

func (f *figures) add(group, line string, title lifecycle.Text, column string, row watch.Item) {
	x := watch.Figure{Group: group, Line: line, Title: title, Column: column}
	i, there := f.at[x.ID()]
	if !there {
		i = f.put(x)
	}
	f.list[i].N++
	f.list[i].Rows = append(f.list[i].Rows, row)
}

func (f *figures) put(x watch.Figure) int {
	f.at[x.ID()] = len(f.list)
	f.list = append(f.list, x)
	return len(f.list) - 1
}

// peaks adds, for each post, the ten minutes in which most alerts were raised.
func (f *figures) peaks() {
	for _, x := range slices.Clone(f.list) {
		if x.Group != watch.GroupAlarms || x.Column != "raised" {
			continue
		}
		rows := slices.Clone(x.Rows)
		slices.SortFunc(rows, func(a, b watch.Item) int { return a.Since.Compare(*b.Since) })
		best, from := 0, 0
		for first, last := 0, 0; last < len(rows); last++ {
			for rows[last].Since.Sub(*rows[first].Since) >= 10*time.Minute {
				first++
			}
			if n := last - first + 1; n > best {
				best, from = n, first
			}
		}
		f.put(watch.Figure{Group: x.Group, Line: x.Line, Title: x.Title, Column: "peak", N: best, Rows: rows[from : from+best]})
	}
}

// alerts calls fn for each alert of a filter.
func (e elsewhere) alerts(ctx context.Context, f detect.Filter, fn func(*detect.Alert)) error {
	const most = 500
	for after := int64(0); ; {
		page, err := e.detect.List(ctx, f, after, most)
		if err != nil {
			return err
		}
		for _, a := range page {
			fn(a)
		}
		if len(page) < most {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// warnings calls fn for each warning that there ever was.
func (e elsewhere) warnings(ctx context.Context, fn func(warn.Warning)) error {
	const most = 200
	for after := int64(0); ; {
		page, err := e.warn.List(ctx, "all", after, most)
		if err != nil {
			return err
		}
		for _, w := range page {
			fn(w)
		}
		if len(page) < most {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

func alertItem(a *detect.Alert) watch.Item {
	title := lifecycle.Words(a.Title.EN, a.Title.ZH)
	for _, at := range []engine.Wording{a.AssetName, a.PlaceName, a.AreaName} {
		if at.EN != "" || at.ZH != "" {
			title = lifecycle.Words(a.Title.EN+", "+at.EN, at.ZH+"，"+a.Title.ZH)
			break
		}
	}
	i := watch.Item{Kind: watch.ItemAlert, ID: a.ID, Title: title, Since: &a.RaisedAt, State: alertState(a)}
	if a.Level != engine.None {
		i.Level = a.Level.String()
	}
	if a.Case != nil {
		i.Case = *a.Case
	}
	if a.Rests && a.Shelf != nil && a.Shelf.OverAt == nil {
		i.Kind, i.DueAt = watch.ItemShelved, &a.Shelf.Until
		i.State = lifecycle.Words("shelved: "+a.Shelf.Reason, "搁置："+a.Shelf.Reason)
	}
	return i
}

func alertState(a *detect.Alert) lifecycle.Text {
	switch {
	case a.State == detect.Cleared:
		return lifecycle.Words("cleared", "已恢复")
	case a.State == detect.Acknowledged:
		return lifecycle.Words("acknowledged", "已签收")
	case a.Rests:
		return lifecycle.Words("rests", "暂缓处置")
	}
	return lifecycle.Words("not acknowledged", "待签收")
}

// warningItem is a warning as the watch lists it; open says that it is in force at a time, or waits for its second officer.
func warningItem(w warn.Warning, at time.Time) (i watch.Item, open bool) {
	i = watch.Item{Kind: watch.ItemWarning, ID: w.ID, Title: lifecycle.Words(w.Headline.English, w.Headline.Chinese), Level: string(w.Level), Since: w.Sent, DueAt: &w.Expires}
	switch {
	case w.State == warn.Proposed:
		i.State = lifecycle.Words("waits for a second officer", "待审核发布")
		return i, true
	case w.State == warn.Issued && w.Expires.After(at):
		i.State = lifecycle.Words("in force", "生效中")
		if w.Pending != nil {
			i.State = lifecycle.Words("in force; an update waits for a second officer", "生效中，更新待审核")
		}
		return i, true
	case w.State == warn.Issued || w.State == warn.Expired:
		i.State = lifecycle.Words("expired", "已到期")
	default:
		i.State = lifecycle.Words("ended", "已解除")
	}
	return i, false
}

func levelWord(level string) lifecycle.Text {
	return map[string]lifecycle.Text{
		"red": lifecycle.Words("Red", "红色"), "orange": lifecycle.Words("Orange", "橙色"),
		"yellow": lifecycle.Words("Yellow", "黄色"), "blue": lifecycle.Words("Blue", "蓝色"),
	}[level]
}

func (e elsewhere) postWord(post string) lifecycle.Text {
	if post == "" {
		return lifecycle.Words("Detectors that are gone", "已停用规则")
	}
	return e.packs.posts.title(post)
}
