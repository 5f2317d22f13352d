package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"
	_ "time/tzdata" // a report tells the city's time, also where the machine has no zone files

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/respond/deadline"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

type reportCmd struct {
	Deadlines reportDeadlinesCmd `cmd:"" help:"How limits of cases were kept: on time, late, open within the limit, open past it."`
}

type reportDeadlinesCmd struct {
	remote       `embed:""`
	Offline      bool     `help:"Read the data folder itself instead of asking the server."`
	Database     string   `help:"With --offline: postgres://user@host/name, if the server uses PostgreSQL." placeholder:"URL"`
	Packs        []string `type:"existingdir" help:"With --offline: folders of further packs, for the names of kinds." placeholder:"DIR"`
	From         string   `help:"Limits that fall on this day or at this time, or later; - for no beginning. 30 days ago when left out." placeholder:"DAY"`
	To           string   `help:"Limits that fall on this day or before; or before this time." placeholder:"DAY"`
	By           string   `default:"organisation" enum:"organisation,post,category,area,kind,what" help:"What to group by: organisation, post, category, area, kind (of case) or what (the limit is of)."`
	Organisation string   `help:"Of this organisation only, by number; 0 is the city's own watch." placeholder:"ID"`
	Post         string   `help:"Of this post of the organisation only; - for none." placeholder:"POST"`
	Category     string   `help:"Of this category only; - for none." placeholder:"ID"`
	Area         string   `help:"In this area and all below it only, by number." placeholder:"ID"`
	Only         bool     `help:"Leave out the areas below."`
	Kind         string   `help:"Of this kind of case only." placeholder:"ID"`
	What         string   `help:"Limits of this sort only: state, case, task or ask." placeholder:"SORT"`
	Status       string   `help:"With --rows or --xlsx: rows of this status only: on-time, late, within, past, passed-on or withdrawn." placeholder:"STATUS"`
	Rows         bool     `help:"The rows behind the figures."`
	XLSX         string   `name:"xlsx" help:"Write figures and rows to a spreadsheet." placeholder:"FILE"`
	Lang         string   `default:"en" enum:"en,zh-CN" help:"The language of names and of the spreadsheet: en or zh-CN."`
	JSON         bool     `name:"json" help:"As the API gives it."`
}

func (c reportDeadlinesCmd) Run(ctx context.Context) error {
	from, ctx, done, err := c.source(ctx)
	if err != nil {
		return err
	}
	defer done()
	ask := deadline.Ask{
		From: c.From, To: c.To, By: c.By, Organisation: c.Organisation, Post: c.Post, Category: c.Category, Kind: c.Kind, What: c.What, Area: c.Area, Status: c.Status,
	}
	if c.Only {
		ask.Only = "true"
	}
	if c.XLSX != "" {
		return intoFile(c.XLSX, func(w io.Writer) error { return from.Sheet(ctx, w, ask, c.Lang == "zh-CN") })
	}
	report, err := from.Report(ctx, ask) // for the time zone too
	if err != nil {
		return err
	}
	if !c.Rows {
		if c.JSON {
			return writeJSON(report)
		}
		return c.printFigures(os.Stdout, report)
	}
	rows := &deadline.RowPage{Items: []deadline.RowView{}}
	for after := ""; ; {
		page, err := from.Rows(ctx, ask, after, 1000)
		if err != nil {
			return err
		}
		rows.At, rows.Items = page.At, append(rows.Items, page.Items...)
		if after = page.Next; after == "" {
			break
		}
	}
	if c.JSON {
		return writeJSON(rows)
	}
	zone, err := time.LoadLocation(report.Zone)
	if err != nil {
		return err
	}
	return c.printRows(os.Stdout, rows, zone)
}

// deadlines is where the report comes from: the server, or its data folder.
type deadlines interface {
	Report(ctx context.Context, ask deadline.Ask) (*deadline.Report, error)
	Rows(ctx context.Context, ask deadline.Ask, after string, limit int) (*deadline.RowPage, error)
	Sheet(ctx context.Context, w io.Writer, ask deadline.Ask, chinese bool) error
}

var (
	_ deadlines = (*deadline.Service)(nil)
	_ deadlines = served{}
)

func (c reportDeadlinesCmd) source(ctx context.Context) (deadlines, context.Context, func(), error) {
	if !c.Offline {
		return served{c.remote}, ctx, func() {}, nil
	}
	s, ctx, closed, err := app.OpenDeadlines(ctx, c.Data, c.Database, c.Packs)
	if err != nil {
		return nil, ctx, nil, err
	}
	return s, ctx, func() { _ = closed() }, nil // only read from
}

// served asks a running server.
type served struct{ remote }

func (s served) Report(ctx context.Context, ask deadline.Ask) (*deadline.Report, error) {
	out := &deadline.Report{}
	return out, s.get(ctx, "/api/v1/deadlines", queryOf(ask), out)
}

func (s served) Rows(ctx context.Context, ask deadline.Ask, after string, limit int) (*deadline.RowPage, error) {
	q := queryOf(ask)
	q.Set("limit", strconv.Itoa(limit))
	if after != "" {
		q.Set("after", after)
	}
	out := &deadline.RowPage{}
	return out, s.get(ctx, "/api/v1/deadlines/rows", q, out)
}

func (s served) Sheet(ctx context.Context, w io.Writer, ask deadline.Ask, chinese bool) error {
	q := queryOf(ask)
	q.Set("lang", "en")
	if chinese {
		q.Set("lang", "zh-CN")
	}
	res, err := s.send(ctx, http.MethodGet, "/api/v1/deadlines/export", q, nil, "")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}

func (s served) get(ctx context.Context, path string, q url.Values, out any) error {
	res, err := s.send(ctx, http.MethodGet, path, q, nil, "")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}

func queryOf(a deadline.Ask) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"from": a.From, "to": a.To, "by": a.By, "organisation": a.Organisation, "post": a.Post, "category": a.Category, "kind": a.Kind, "what": a.What,
		"area": a.Area, "only": a.Only, "status": a.Status,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (c reportDeadlinesCmd) say(t lifecycle.Text) string {
	if c.Lang == "zh-CN" && t.Zh != "" || t.En == "" {
		return t.Zh
	}
	return t.En
}

func (c reportDeadlinesCmd) printFigures(w io.Writer, r *deadline.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tlimits\ton time\tlate\topen, within\topen, past\tpassed on\twithdrawn\ton time %%\tlate by, median\t90 %%\textensions\n", r.By)
	line := func(name string, f deadline.Figures) {
		share := "-"
		if f.OnTimeShare != nil {
			share = fmt.Sprintf("%.1f", 100**f.OnTimeShare)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%d\n", name, f.Rows, f.OnTime, f.Late, f.Within, f.Past, f.PassedOn, f.Withdrawn,
			share, lateness(f.LateMedian), lateness(f.Late90), f.Extensions)
	}
	for _, g := range r.Groups {
		name, id := c.say(g.Title), g.Filter[string(r.By)]
		switch {
		case r.By == deadline.ByPost && id != deadline.None:
			name += ", " + id
		case name == "" && id == deadline.None:
			name = "(none)"
		case name == "":
			name = id
		case g.Filter["only"] == "true":
			name += " (itself)"
		}
		line(name, g.Figures)
	}
	line("all", r.Total)
	if err := t.Flush(); err != nil {
		return err
	}
	var err error
	if r.Private > 0 {
		_, err = fmt.Fprintf(w, "Beside them at least %d private cases, which stand in no figure.\n", r.Private)
	}
	return err
}

func (c reportDeadlinesCmd) printRows(w io.Writer, rows *deadline.RowPage, zone *time.Location) error {
	at := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04:05") }
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\tstatus\tlimit\tended\tlate by\tlimit of\tkind\torganisation\tpost\tarea")
	for _, r := range rows.Items {
		ended := "-"
		if r.EndedAt != nil {
			ended = at(*r.EndedAt)
		}
		late := "-"
		if r.Late > 0 {
			late = lateness(&r.Late)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Case, r.Status, at(r.DueAt), ended, late, c.say(r.Title), orElse(c.say(r.KindTitle), r.Kind),
			orElse(c.say(r.OrganisationName), strconv.FormatInt(r.Organisation, 10)), r.Post, c.say(r.AreaName))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d rows, as of %s %s\n", len(rows.Items), at(rows.At), zone)
	return err
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func lateness(seconds *int64) string {
	if seconds == nil {
		return "-"
	}
	return (time.Duration(*seconds) * time.Second).String()
}

func writeJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// intoFile writes a file as a whole or not at all.
func intoFile(name string, write func(w io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".anlan-report-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
