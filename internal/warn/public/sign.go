package public

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/width"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// signFresh is how long a display may show what it was told last. It asks oftener than that; one that hears nothing any more
// goes dark, since an old warning is worse than none.
const signFresh = 3 * time.Minute

// The screens that the feed writes for. They are few, so that all displays of an area read the same document.
var (
	signColumns = []int{12, 16, 20, 24, 32, 40, 64}
	signLines   = []int{1, 2, 3, 4, 6, 8}
)

const (
	defaultColumns = 20
	defaultLines   = 4
)

// signColours are those of the national levels as a lamp shows them, brighter than on paper.
var signColours = map[hazard.Level]string{hazard.Red: "#ff0000", hazard.Orange: "#ff7e00", hazard.Yellow: "#ffff00", hazard.Blue: "#0000ff", "": "#ffffff"}

// sign is what a street display is told.
type sign struct {
	Area       string        `json:"area"` // the code; empty for the whole city
	Sequence   int64         `json:"sequence"`
	Updated    *time.Time    `json:"updated"`
	ValidUntil time.Time     `json:"valid_until"`
	Columns    int           `json:"columns"`
	Lines      int           `json:"lines"`
	Warnings   []signWarning `json:"warnings"`
}

type signWarning struct {
	Number  string       `json:"number"`
	Issuer  *page.Text   `json:"issuer,omitempty"` // of a warning that is another service's and is passed on
	Level   hazard.Level `json:"level"`            // empty where the issuer states none
	Colour  string       `json:"colour"`
	From    time.Time    `json:"from"`
	Until   time.Time    `json:"until"`
	Chinese signScreen   `json:"zh-CN"`
	English signScreen   `json:"en"`
}

type signScreen struct {
	Lines []string `json:"lines"`
	Cut   bool     `json:"cut"` // the title did not fit
}

// signPage serves the feed of street displays in one of its two forms.
func (s *Service) signPage(form string) http.HandlerFunc {
	return s.cached(func(p *picture, r *http.Request) (key, maker) {
		fail := func(err error) (key, maker) {
			return key{what: "sign"}, func(context.Context) (*sheet, error) { return nil, err } // what fails is not kept
		}
		q := r.URL.Query()
		columns, err := oneOf(q.Get("columns"), "columns", defaultColumns, signColumns)
		if err != nil {
			return fail(err)
		}
		lines, err := oneOf(q.Get("lines"), "lines", defaultLines, signLines)
		if err != nil {
			return fail(err)
		}
		var at area.Area
		if code := q.Get("area"); code != "" {
			i := slices.IndexFunc(p.areas, func(a area.Area) bool { return a.Code == code })
			if i < 0 {
				return fail(web.Errorf(http.StatusNotFound, "warning.unknown_area", "no area has the code %.40q", code).At("area"))
			}
			at = p.areas[i]
		}
		k := key{what: "sign." + form, name: fmt.Sprint(columns, "x", lines), area: at.ID}
		return k, func(context.Context) (*sheet, error) { return s.sign(p, at, columns, lines).sheet(form) }
	})
}

// oneOf reads a number that is one of a few.
func oneOf(text, name string, otherwise int, allowed []int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || !slices.Contains(allowed, n) {
		return 0, web.Errorf(http.StatusUnprocessableEntity, "warning.sign_form", "%s is one of %v, not %.20q", name, allowed, text).At(name)
	}
	return n, nil
}

// sign writes the warnings that hold in an area, the most severe first, for a screen.
func (s *Service) sign(p *picture, at area.Area, columns, lines int) sign {
	out := sign{Area: at.Code, Sequence: p.sequence, ValidUntil: p.at.Truncate(redraw).Add(signFresh), Columns: columns, Lines: lines, Warnings: []signWarning{}}
	if p.changed.Unix() > 0 {
		changed := p.changed.UTC()
		out.Updated = &changed
	}
	for _, w := range p.shown {
		if at.ID != 0 && !w.touches(at.ID, p.parents) {
			continue
		}
		if w.Expires.Before(out.ValidUntil) {
			out.ValidUntil = w.Expires
		}
		one := signWarning{
			Number: w.Number, Level: w.Level, Colour: signColours[w.Level], From: w.Onset, Until: w.Expires,
			Chinese: s.screen(w, page.Chinese, columns, lines, p.at), English: s.screen(w, page.English, columns, lines, p.at),
		}
		if w.relay != nil {
			one.Number, one.Issuer = "relayed-"+strconv.FormatInt(w.ID, 10), &w.relay.issuer
		}
		out.Warnings = append(out.Warnings, one)
	}
	return out
}

// sheet writes the sign as JSON, or as text: a line for the machine, and then the screens, each after an empty line.
func (g sign) sheet(form string) (*sheet, error) {
	var b bytes.Buffer
	if form == "json" {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(g); err != nil {
			return nil, err
		}
		return newSheet("application/json", "", b.Bytes(), time.Time{})
	}
	fmt.Fprintf(&b, "valid-until %s sequence %d\n", g.ValidUntil.UTC().Format(time.RFC3339), g.Sequence)
	for _, w := range g.Warnings {
		for _, screen := range []signScreen{w.Chinese, w.English} {
			fmt.Fprintf(&b, "\n%s\n", strings.Join(screen.Lines, "\n"))
		}
	}
	return newSheet("text/plain; charset=utf-8", "", b.Bytes(), time.Time{})
}

// screen fits a warning: what happened and how severe it is first, until when last, and between them what to do and, where there is
// room still, the headline. The display stands where the warning holds, so that place is what it can best do without.
func (s *Service) screen(w Warning, lang string, columns, lines int, now time.Time) signScreen {
	title, headline := s.signTitle(w, lang, columns)
	head := wrap(title, lang, columns)
	if lines == 1 {
		out, cut := shorten(head, lang, columns, 1)
		return signScreen{out, cut}
	}
	out, cut := shorten(head, lang, columns, lines-1)
	until := s.signTime(lang, w.Expires, now)
	end := wrap(s.pages.T(lang, "sign.until", until), lang, columns)
	if len(end) > 1 {
		end = wrap(s.pages.T(lang, "sign.until-short", until), lang, columns)
	}
	if len(end) > lines-len(out) { // a narrow screen: the end is worth a line of the title
		var more bool
		out, more = shorten(head, lang, columns, max(1, lines-len(end)))
		cut = cut || more
		end = end[:min(len(end), lines-len(out))]
	}
	first, _, _ := strings.Cut(w.Instruction.In(lang), "\n")
	todo := upToMark(first, lang, columns, lines-len(out)-len(end))
	if more := wrap(headline, lang, columns); len(out)+len(more)+len(todo)+len(end) <= lines {
		out = append(out, more...)
	}
	return signScreen{slices.Concat(out, todo, end), cut}
}

// signTitle is what a screen must say of a warning, and what it says where it has room. Another service's is told in its own words.
func (s *Service) signTitle(w Warning, lang string, columns int) (title, headline string) {
	headline = w.Headline.In(lang)
	colour := s.pages.T(lang, "colour."+string(w.Level))
	level, _, _ := strings.Cut(s.pages.T(lang, "level."+string(w.Level)), "（") // the rank says no more than the colour
	switch event := w.Event.In(lang); {
	case w.relay != nil:
		if w.Level != "" && !strings.Contains(strings.ToLower(headline), colour) {
			headline = level + s.pages.T(lang, "sign.colon") + headline
		}
		return s.pages.T(lang, "sign.relayed", w.relay.issuer.In(lang)) + headline, ""
	case event == "":
		return level + s.pages.T(lang, "sign.colon") + headline, ""
	default:
		if title = s.pages.T(lang, "sign.title", event, colour); textWidth(title, lang) > columns {
			title = s.pages.T(lang, "sign.title-short", event, colour)
		}
		return title, headline
	}
}

// upToMark is as much of a text as fits on so many lines, and ends where a mark lets it; nothing where none does.
func upToMark(text, lang string, columns, most int) []string {
	for text != "" && most > 0 {
		if fit := wrap(text, lang, columns); len(fit) <= most {
			return fit
		}
		text = strings.TrimRightFunc(text, func(r rune) bool { return strings.ContainsRune(closers+" ", r) })
		at := strings.LastIndexAny(text, "，。；！？,;") // a full stop may be a decimal point, a comma of a list leaves the list open
		if stop := strings.LastIndex(text, ". "); stop > at {
			at = stop
		}
		if at < 0 {
			return nil
		}
		text = text[:at]
	}
	return nil
}

// signTime is a time as short as it can be: without a date where it is today's.
func (s *Service) signTime(lang string, t, now time.Time) string {
	t, now = t.In(s.issuer.TimeZone), now.In(s.issuer.TimeZone)
	switch {
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format("15:04")
	case lang == page.Chinese:
		return fmt.Sprintf("%d月%d日%s", t.Month(), t.Day(), t.Format("15:04"))
	}
	return t.Format("2 Jan 15:04")
}

// cells is how much of a line a rune takes: Chinese characters take two, and so does in Chinese text what is ambiguous.
func cells(r rune, lang string) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	case width.EastAsianAmbiguous:
		if lang == page.Chinese {
			return 2
		}
	}
	return 1
}

func textWidth(text, lang string) (n int) {
	for _, r := range text {
		n += cells(r, lang)
	}
	return n
}

// closers never begin a line.
const closers = "，。、；：！？）》」』”’】,.;:!?)"

// wrap breaks a text into lines: between words, and between Chinese characters, but not before a closing mark; a word that is
// longer than a line is broken.
func wrap(text, lang string, columns int) []string {
	var lines []string
	line, used, space := "", 0, false
	for _, word := range words(text, lang, columns) {
		if word == " " {
			space = line != ""
			continue
		}
		n, gap := textWidth(word, lang), 0
		if space {
			gap = 1
		}
		if line != "" && used+gap+n > columns {
			lines = append(lines, line)
			line, used, gap = "", 0, 0
		}
		line, used, space = line+strings.Repeat(" ", gap)+word, used+gap+n, false
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// words parts a text into what must stay on one line, none wider than columns; a space stands for any white space.
func words(text, lang string, columns int) (out []string) {
	open, glue := false, false // the last may still grow; whatever comes next belongs to it
	for _, r := range text {
		wide := cells(r, lang) == 2
		last := len(out) - 1
		switch {
		case r <= ' ' || r == 0x3000:
			out, open = append(out, " "), false
			continue
		case last >= 0 && out[last] != " " && (open && !wide || strings.ContainsRune(closers, r) || glue) && textWidth(out[last], lang)+cells(r, lang) <= columns:
			out[last] += string(r)
		default:
			out = append(out, string(r))
		}
		open, glue = !wide, strings.ContainsRune("（《「『“‘【", r)
	}
	return out
}

// shorten keeps so many lines, the last with a mark where something is missing.
func shorten(lines []string, lang string, columns, most int) (out []string, cut bool) {
	if len(lines) <= most {
		return slices.Clone(lines), false
	}
	out = slices.Clone(lines[:most])
	last := []rune(out[most-1])
	for textWidth(string(last)+"…", lang) > columns {
		last = last[:len(last)-1]
	}
	out[most-1] = string(last) + "…"
	return out, true
}
