package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/web"
)

//go:embed templates texts page.css
var embedded embed.FS

// securityPolicy allows our own style sheet and nothing else: the pages have no
// scripts, no frames and no foreign images.
const securityPolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Site is what all pages of an installation share.
type Site struct {
	Name     Text           // of the city, such as "Lanjing" and "澜境市"
	TimeZone *time.Location // in which times are shown; UTC when nil
	Language string         // of a reader who asks for none; English when empty
	Nav      []Link         // the public pages, in the order of the header
	Feeds    []Feed         // what a reader can subscribe to; every page points at them
}

// Feed is a feed that pages point at, so that a reader's program finds it by itself.
type Feed struct {
	Path  string
	Type  string // its media type
	Title Text
}

// Attr is the type as an attribute, written as it is: the template would write a + as a number, which few programs that look for
// a feed take apart.
func (f Feed) Attr() template.HTMLAttr {
	return template.HTMLAttr(`type="` + template.HTMLEscapeString(f.Type) + `"`)
}

// Link is one entry of the header.
type Link struct {
	Path  string
	Title Text
}

// View is one page to be shown.
type View struct {
	Template string // file of the room's templates, without .html
	Title    string // in the page's language; the site's name is added
	Failed   bool   // the page shows an error summary: the title says so first
	Data     any    // the dot of the template
}

// Set is the pages of one room. It is read-only after New and safe for concurrent use.
type Set struct {
	site  Site
	texts catalog
	// variants holds one parsed template per page, language and text size.
	variants map[variant]*template.Template
	mounts   map[mounting]mount // what is around the pages; not changed after New
}

type variant struct {
	page string
	Reader
}

// Reader is what the reader chose; it travels in the address.
type Reader struct {
	Lang  string
	Large bool
}

// New parses the room's templates (*.html; those whose name begins with _ are
// parts of others) and its texts (en.json and zh-CN.json).
func New(site Site, templates, texts fs.FS) (*Set, error) {
	if site.TimeZone == nil {
		site.TimeZone = time.UTC
	}
	if site.Language == "" {
		site.Language = English
	}
	if site.Name == (Text{}) { // a link without a name can't be read aloud
		site.Name = Text{English: "City services", Chinese: "城市公共服务"}
	}
	s := &Set{site: site, variants: map[variant]*template.Template{}, mounts: map[mounting]mount{}}
	var err error
	if s.texts, err = merge(texts); err != nil {
		return nil, err
	}
	files, err := fs.Glob(templates, "*.html")
	if err != nil {
		return nil, err
	}
	var parts, pages []string
	for _, f := range files {
		if strings.HasPrefix(f, "_") {
			parts = append(parts, f)
		} else {
			pages = append(pages, f)
		}
	}
	for _, lang := range languages {
		for _, large := range []bool{false, true} {
			p := Reader{lang, large}
			if err := s.mountAll(p); err != nil {
				return nil, err
			}
			for _, f := range pages {
				t, err := template.New("layout.html").Funcs(s.funcs(p)).ParseFS(embedded, "templates/layout.html")
				if err == nil {
					t, err = t.ParseFS(templates, append(parts, f)...)
				}
				if err != nil {
					return nil, fmt.Errorf("parse page %s: %w", f, err)
				}
				s.variants[variant{strings.TrimSuffix(f, ".html"), p}] = t
			}
		}
	}
	return s, nil
}

// merge puts the room's texts over the layout's.
func merge(room fs.FS) (catalog, error) {
	own, err := fs.Sub(embedded, "texts")
	if err != nil {
		return nil, err
	}
	c, err := loadTexts(own)
	if err != nil {
		return nil, err
	}
	more, err := loadTexts(room)
	if err != nil {
		return nil, err
	}
	for lang, texts := range more {
		for key, text := range texts {
			c[lang][key] = text
		}
	}
	return c, nil
}

// T returns the text of key in the language, with its arguments filled in. A key
// that isn't there shows itself, so that a test or a reader can report it.
func (s *Set) T(lang, key string, args ...any) string {
	text, ok := s.texts[lang][key]
	if !ok {
		return key
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// Language returns the language of the request on this site.
func (s *Set) Language(r *http.Request) string { return Language(r, s.site.Language) }

// Time returns t as the site's readers write it, with the offset from UTC where no sentence of the page says it for all times.
func (s *Set) Time(lang string, t time.Time) string {
	t = t.In(s.site.TimeZone)
	steady := s.clock(lang) != ""
	if lang == Chinese {
		text := fmt.Sprintf("%d年%d月%d日 %s", t.Year(), t.Month(), t.Day(), t.Format("15:04"))
		if !steady {
			text += "（" + offset(t) + "）"
		}
		return text
	}
	text := t.Format("2 January 2006, 15:04")
	if !steady {
		text += " (" + offset(t) + ")"
	}
	return text
}

// clock says once per page by which clock all its times are; empty where that differs with the season.
func (s *Set) clock(lang string) string {
	winter := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).In(s.site.TimeZone)
	summer := time.Date(2026, time.July, 1, 0, 0, 0, 0, time.UTC).In(s.site.TimeZone)
	switch {
	case s.site.TimeZone.String() == "Asia/Shanghai":
		return s.T(lang, "page.clock-china")
	case offset(winter) != offset(summer):
		return ""
	}
	return s.T(lang, "page.clock", offset(winter))
}

func offset(t time.Time) string {
	if _, seconds := t.Zone(); seconds == 0 {
		return "UTC"
	}
	return "UTC" + t.Format("-07:00")
}

// funcs are the functions that templates may call.
func (s *Set) funcs(p Reader) template.FuncMap {
	return template.FuncMap{
		"t":       func(key string, args ...any) string { return s.T(p.Lang, key, args...) },
		"in":      func(t Text) string { return t.In(p.Lang) },
		"lang":    func() string { return p.Lang },
		"large":   func() bool { return p.Large },
		"when":    func(t time.Time) string { return s.Time(p.Lang, t) },
		"clock":   func() string { return s.clock(p.Lang) },
		"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"link":    func(to string) string { return p.link(to) },
		"lines":   func(text string) []string { return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }) },
		"indent":  func(depth int) string { return strings.Repeat("\u3000", depth) },
	}
}

// link carries the reader's choices to another page of the site.
func (p Reader) link(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	q := u.Query()
	q.Set("lang", p.Lang)
	q.Del("text")
	if p.Large {
		q.Set("text", "large")
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// frame is the dot of the layout.
type frame struct {
	View
	Site       Site
	Style      string
	Here       string // path and query of this page without the reader's choices
	Path       string
	OtherLang  string
	OtherLink  string
	ResizeLink string
}

// Reader returns what the request asks for.
func (s *Set) Reader(r *http.Request) Reader {
	return Reader{Lang: s.Language(r), Large: r.URL.Query().Get("text") == "large"}
}

// Render writes the view as it stands at an address: path and query, in which the reader's own choices don't count. What it
// returns depends on nothing else, so it can be kept and served to all who made the same choices.
func (s *Set) Render(to Reader, here *url.URL, v View) ([]byte, error) {
	t, ok := s.variants[variant{v.Template, to}]
	if !ok {
		return nil, fmt.Errorf("no page template %q", v.Template)
	}
	at := *here
	q := at.Query()
	q.Del("lang")
	q.Del("text")
	at.RawQuery = q.Encode()
	uri := at.RequestURI()
	other := Reader{Lang: to.other(), Large: to.Large}.link(uri)
	resize := Reader{Lang: to.Lang, Large: !to.Large}.link(uri)
	m, ok := s.mounts[mounting{to, v.Failed, here.Path}]
	if !ok {
		m = s.mounts[mounting{to, v.Failed, ""}] // a page that the header does not name
	}
	var b bytes.Buffer
	for _, p := range m {
		b.WriteString(p.text)
		switch p.then {
		case markTitle:
			b.WriteString(template.HTMLEscapeString(v.Title))
		case markOther:
			b.WriteString(template.HTMLEscapeString(other))
		case markResize:
			b.WriteString(template.HTMLEscapeString(resize))
		case markMain:
			if err := t.ExecuteTemplate(&b, "main", v.Data); err != nil {
				return nil, fmt.Errorf("render page %s: %w", v.Template, err)
			}
		}
	}
	return b.Bytes(), nil
}

// Part renders one part of the room's templates for a reader, to be put into several pages as it is. template is the page
// through whose file the part is found.
func (s *Set) Part(to Reader, of, part string, data any) (template.HTML, error) {
	t, ok := s.variants[variant{of, to}]
	if !ok {
		return "", fmt.Errorf("no page template %q", of)
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, part, data); err != nil {
		return "", fmt.Errorf("render %s of page %s: %w", part, of, err)
	}
	return template.HTML(b.String()), nil
}

// Headers sets what every page is sent with.
func Headers(h http.Header, lang string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Content-Security-Policy", securityPolicy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Language")
}

// Write renders the view and answers with it. Pages that hold what a reader
// typed must be sent with noStore, so that no cache keeps them.
func (s *Set) Write(w http.ResponseWriter, r *http.Request, status int, noStore bool, v View) {
	to := s.Reader(r)
	body, err := s.Render(to, r.URL, v)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	Headers(w.Header(), to.Lang)
	if noStore {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		slog.DebugContext(r.Context(), "page not sent", "path", r.URL.Path, "err", err)
	}
}

// stylePath names the style sheet by its content, so that it can be cached for ever.
var stylePath = func() string {
	css, err := embedded.ReadFile("page.css")
	if err != nil {
		panic(err) // compiled in
	}
	sum := sha256.Sum256(css)
	return "/page-" + hex.EncodeToString(sum[:6]) + ".css"
}()

// Routes serves what all public pages share. It is called once, by app.
func Routes(r *web.Router) {
	r.HandleFunc("GET "+stylePath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, embedded, path.Base("page.css"))
	})
}
