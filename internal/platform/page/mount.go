package page

import (
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

// mounting names what is around a page: it depends on the reader, on whether the page shows an error, and on which entry of the
// header is the page itself.
type mounting struct {
	Reader
	failed bool
	path   string // empty: none of the header's
}

// mount is what is around pages, in pieces, each followed by what differs from page to page. The layout is executed when the set
// is made and never again: it is much of a page and the same for thousands of them.
type mount []piece

type piece struct{ text, then string }

// The marks that stand in the layout for what differs.
const (
	markTitle  = "QxTitleQx"
	markOther  = "QxOtherQx"
	markResize = "QxResizeQx"
	markMain   = "QxMainQx"
)

var marks = regexp.MustCompile("Qx(?:Title|Other|Resize|Main)Qx")

// mountAll executes the layout in all forms that a reader can meet.
func (s *Set) mountAll(to Reader) error {
	paths := []string{""}
	for _, l := range s.site.Nav {
		paths = append(paths, l.Path)
	}
	around, err := template.New("layout.html").Funcs(s.funcs(to)).ParseFS(embedded, "templates/layout.html")
	if err == nil {
		around, err = around.New("mounted").Parse(`{{define "main"}}` + markMain + `{{end}}`)
	}
	if err != nil {
		return fmt.Errorf("parse the layout: %w", err)
	}
	for _, failed := range []bool{false, true} {
		for _, path := range paths {
			f := frame{View: View{Title: markTitle, Failed: failed}, Site: s.site, Style: stylePath, Path: path,
				OtherLang: to.other(), OtherLink: markOther, ResizeLink: markResize}
			var b strings.Builder
			if err := around.ExecuteTemplate(&b, "layout.html", f); err != nil {
				return fmt.Errorf("execute the layout: %w", err)
			}
			text, m := b.String(), mount(nil)
			at := 0
			for _, found := range marks.FindAllStringIndex(text, -1) {
				m = append(m, piece{text[at:found[0]], text[found[0]:found[1]]})
				at = found[1]
			}
			s.mounts[mounting{to, failed, path}] = append(m, piece{text: text[at:]})
		}
	}
	return nil
}

// other is the language that the reader did not choose.
func (p Reader) other() string {
	if p.Lang == English {
		return Chinese
	}
	return English
}
