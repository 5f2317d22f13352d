package watch

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

//go:embed brief.html brief.css texts
var briefFiles embed.FS

// briefPolicy allows our own style sheet and nothing else: a printed page has no scripts.
const briefPolicy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// briefPages are the printable brief in the two languages. They are read-only.
type briefPages struct {
	css    []byte
	style  string // path of the style sheet, named by its content
	byLang map[string]*template.Template
	texts  map[string]map[string]string
}

func newBriefPages() (*briefPages, error) {
	css, err := briefFiles.ReadFile("brief.css")
	if err != nil {
		return nil, fmt.Errorf("style of the brief: %w", err)
	}
	sum := sha256.Sum256(css)
	p := &briefPages{css: css, style: "/watch-brief-" + hex.EncodeToString(sum[:6]) + ".css", byLang: map[string]*template.Template{}, texts: map[string]map[string]string{}}
	for _, lang := range []string{page.English, page.Chinese} {
		text, err := briefFiles.ReadFile("texts/" + lang + ".json")
		if err != nil {
			return nil, fmt.Errorf("texts of the brief: %w", err)
		}
		words := map[string]string{}
		if err := json.Unmarshal(text, &words); err != nil {
			return nil, fmt.Errorf("texts of the brief, %s: %w", lang, err)
		}
		p.texts[lang] = words
		t, err := template.New("brief.html").Funcs(p.funcs(lang)).ParseFS(briefFiles, "brief.html")
		if err != nil {
			return nil, fmt.Errorf("page of the brief: %w", err)
		}
		p.byLang[lang] = t
	}
	return p, nil
}

// funcs are the functions that the template may call.
func (p *briefPages) funcs(lang string) template.FuncMap {
	return template.FuncMap{
		"t": func(key string, args ...any) string {
			text, ok := p.texts[lang][key]
			if !ok {
				return key // shows itself, so that a test or a reader can report it
			}
			if len(args) > 0 {
				return fmt.Sprintf(text, args...)
			}
			return text
		},
		"in": func(t Text) string {
			if lang == page.Chinese {
				return t.Zh
			}
			return t.En
		},
	}
}

// briefColumns are those of each group's table, in the order of the page.
var briefColumns = map[string][]string{
	GroupCases:        {"new", "closed", "open", "overdue"},
	GroupIncidents:    {"new", "closed", "open", "overdue"},
	GroupDistricts:    {"new", "open"},
	GroupWarnings:     {"issued", "active", "ended"},
	GroupAlarms:       {"raised", "open", "shelved", "peak"},
	GroupReports:      {"told", "late", "due", "overdue"},
	GroupInstructions: {"new", "closed", "open", "overdue"},
}

// briefGroups is the order of the tables.
var briefGroups = []string{GroupIncidents, GroupCases, GroupWarnings, GroupAlarms, GroupReports, GroupInstructions, GroupDistricts}

// sheet is the dot of the template.
type sheet struct {
	City         Text
	Lang, Style  string
	From, To, At string
	Zone         string
	Tables       []sheetTable
	Lists        []sheetList
}

// sheetList is a list of the page: as many of its rows as there is room for, and how many more there are.
type sheetList struct {
	Name string
	Rows []sheetRow
	More int
	Link string // to all of them
}

type sheetTable struct {
	Group   string
	Columns []string
	Lines   []sheetLine
}

type sheetLine struct {
	Title Text
	Cells []sheetCell
}

type sheetCell struct {
	N    int
	Link string // to the rows; empty where there are none
}

type sheetRow struct {
	Item
	Link       string
	Since, Due string
}

const (
	// oneSheet is how many rows the three lists of the page share, so that it prints on one sheet.
	oneSheet = 24
	// oneLine bounds a title in them, in widths of a Latin letter; a Chinese character has two.
	oneLine = 56
)

// share parts the rows of the page among lists of so many: no list gets more than it has, what is left goes to the others.
func share(room int, sizes []int) []int {
	out := make([]int, len(sizes))
	for room > 0 {
		given := false
		for i, n := range sizes {
			if out[i] < n && room > 0 {
				out[i]++
				room--
				given = true
			}
		}
		if !given {
			break
		}
	}
	return out
}

// short cuts a title to what fits into a line.
func short(title string) string {
	width := 0
	for i, r := range title {
		w := 1
		if r >= 0x1100 {
			w = 2
		}
		if width += w; width > oneLine {
			return strings.TrimRight(title[:i], " ，、：") + "…"
		}
	}
	return title
}

func (s *Service) sheet(b *Brief, lang, style string) sheet {
	local := func(t time.Time) string { return t.In(s.Zone).Format("2006-01-02 15:04") }
	out := sheet{City: s.City, Lang: lang, Style: style, From: local(b.From), To: local(b.To), At: local(b.At), Zone: b.To.In(s.Zone).Format("-07:00")}
	for _, group := range briefGroups {
		t := sheetTable{Group: group, Columns: briefColumns[group]}
		for _, f := range b.Figures {
			if f.Group != group {
				continue
			}
			i := slices.IndexFunc(t.Lines, func(l sheetLine) bool { return l.Title == f.Title })
			if i < 0 {
				i = len(t.Lines)
				t.Lines = append(t.Lines, sheetLine{Title: f.Title, Cells: make([]sheetCell, len(t.Columns))})
			}
			if at := slices.Index(t.Columns, f.Column); at >= 0 {
				t.Lines[i].Cells[at] = sheetCell{f.N, figureLink(b.Span, f)}
			}
		}
		out.Tables = append(out.Tables, t)
	}
	rows := func(items []Item) (rows []sheetRow) {
		for _, i := range items {
			r := sheetRow{Item: i, Link: itemLink(i)}
			r.Title = Text{En: short(i.Title.En), Zh: short(i.Title.Zh)}
			if i.Since != nil {
				r.Since = local(*i.Since)
			}
			if i.DueAt != nil {
				r.Due = local(*i.DueAt)
			}
			rows = append(rows, r)
		}
		return rows
	}
	lists := []struct {
		name string
		all  []Item
	}{{"incidents", b.Incidents}, {"warnings", b.Warnings}, {"overdue", b.Overdue}}
	room := share(oneSheet, []int{len(b.Incidents), len(b.Warnings), len(b.Overdue)})
	for i, l := range lists {
		list := sheetList{Name: l.name, Rows: rows(l.all[:room[i]]), More: len(l.all) - room[i]}
		if list.More > 0 {
			list.Link = listLink(b.Span, l.name)
		}
		out.Lists = append(out.Lists, list)
	}
	return out
}

// figureLink leads to the rows behind a figure.
func figureLink(span respond.Span, f Figure) string {
	if f.N == 0 || len(f.Rows) == 0 {
		return ""
	}
	q := url.Values{"figure": {f.ID()}, "from": {span.From.Format(time.RFC3339Nano)}, "to": {span.To.Format(time.RFC3339Nano)}}
	return "/console/duty/rows?" + q.Encode()
}

// listLink leads to all rows of a list.
func listLink(span respond.Span, name string) string {
	return figureLink(span, Figure{Group: GroupLists, Line: name, Column: "all", N: 1, Rows: make([]Item, 1)})
}

// itemLink leads to a row itself.
func itemLink(i Item) string {
	switch {
	case i.Kind == ItemAlert || i.Kind == ItemShelved:
		return fmt.Sprintf("/console/?state=all&sel=alert:%d", i.ID)
	case i.Kind == ItemWarning:
		return fmt.Sprintf("/console/?tab=warnings&state=all&sel=warning:%d", i.ID)
	case i.Kind == ItemDraft:
		return fmt.Sprintf("/console/duty/reports/%d", i.ID)
	case i.Case != 0:
		return fmt.Sprintf("/console/cases/%d", i.Case)
	}
	return "/console/duty"
}

func (s *Service) getBrief(w http.ResponseWriter, r *http.Request) {
	err := func() error {
		q := r.URL.Query()
		var span [2]time.Time
		for i, name := range []string{"from", "to"} {
			if q.Get(name) == "" {
				continue
			}
			t, err := time.Parse(time.RFC3339, q.Get(name))
			if err != nil {
				return bad("watch.time", name, "%q is no time; expected 2026-11-23T08:00:00Z", q.Get(name))
			}
			span[i] = t
		}
		when, err := s.BriefSpan(q.Get("date"), span[0], span[1])
		if err != nil {
			return err
		}
		b, err := s.Brief(r.Context(), when)
		if err != nil {
			return err
		}
		lang := page.Language(r, page.Chinese)
		var text bytes.Buffer
		if err := s.pages.byLang[lang].Execute(&text, s.sheet(b, lang, s.pages.style)); err != nil {
			return fmt.Errorf("print the brief: %w", err)
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", lang)
		h.Set("Content-Security-Policy", briefPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "private, no-store")
		if _, err := text.WriteTo(w); err != nil {
			slog.DebugContext(r.Context(), "brief not sent", "err", err)
		}
		return nil
	}()
	if err != nil {
		web.WriteError(w, r, err)
	}
}

func (s *Service) getStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(s.pages.css); err != nil {
		slog.DebugContext(r.Context(), "style not sent", "err", err)
	}
}
