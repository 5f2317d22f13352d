package packtool

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Explain says what something is: the code of a diagnostic, the rules of the pack in a folder or of a shipped pack, all of
// them or the detector of that name, or one detector by its name behind the folder, or the shipped pack, and a slash.
func (ps Packs) Explain(w io.Writer, what, detector string) error {
	if e := pack.Explain(what); e != nil {
		_, err := io.WriteString(w, ps.section(*e))
		return err
	}
	if info, err := os.Stat(what); err == nil && info.IsDir() {
		return ps.aloud(w, os.DirFS(what), filepath.ToSlash(filepath.Clean(what)), detector)
	}
	if dir, rule := path.Split(filepath.ToSlash(what)); dir != "" && rule != "" && detector == "" { // tunnels/carbon-monoxide
		if _, err := os.Stat(filepath.Join(dir, pack.Main)); err == nil {
			return ps.aloud(w, os.DirFS(dir), path.Clean(dir), rule)
		}
	}
	name, id, _ := strings.Cut(what, "/")
	if files, err := fs.Sub(ps.Shipped, name); err == nil && !strings.Contains(id, "/") {
		if _, err := fs.Stat(files, pack.Main); err == nil {
			if detector == "" {
				detector = id
			}
			return ps.aloud(w, files, path.Join("packs", name), detector)
		}
	}
	var known []string
	for _, e := range pack.Codes {
		known = append(known, e.Code)
	}
	entries, _ := fs.ReadDir(ps.Shipped, ".")
	for _, e := range entries {
		known = append(known, e.Name())
	}
	return fmt.Errorf("%s is no folder, no pack, no detector (such as gas/methane-indoor) and no code (such as %s)%s",
		what, pack.CodeLevel, pack.Suggest(what, known))
}

// aloud says the rules of a pack as a person would read them, in both languages.
func (ps Packs) aloud(w io.Writer, files fs.FS, dir, detector string) error {
	d, ds := Read(files, dir, ps.Files)
	if err := ds.Err(); err != nil {
		return fmt.Errorf("%s has mistakes:\n%w", dir, err)
	}
	if detector == "" {
		fmt.Fprintf(w, "%s · %s\n", d.Pack.Title.In("en"), d.Pack.Title.In("zh-CN"))
	}
	found := false
	var ids []string
	for _, x := range d.Detectors {
		id := strings.TrimPrefix(x.ID, d.Pack.Name+"/")
		ids = append(ids, id)
		if detector == "" || id == detector || x.ID == detector {
			found = true
			fmt.Fprintf(w, "\n%s", rule(x))
		}
	}
	if detector != "" && !found {
		return fmt.Errorf("%s has no detector %q%s", dir, detector, pack.Suggest(detector, ids))
	}
	if detector == "" {
		for _, k := range d.Cases {
			fmt.Fprintf(w, "\n%s", life(k))
		}
		for _, p := range d.Plans {
			fmt.Fprintf(w, "\n%s", p.Words())
		}
		for _, c := range d.Chains {
			fmt.Fprintf(w, "\n%s", c.Words())
		}
		if d.Warnings != nil {
			fmt.Fprint(w, d.Warnings.Words())
		}
	}
	return nil
}

// rule is one detector.
func rule(d *engine.Detector) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", d.ID)
	line := func(what, text string) { fmt.Fprintf(&b, "  %-14s%s\n", what, text) }
	line("title", d.Title.In("en")+" · "+d.Title.In("zh-CN"))
	line("rule", d.Rule.EN)
	line("", d.Rule.ZH)
	line("", d.Clears.EN)
	line("", d.Clears.ZH)
	for i, w := range d.Watch() {
		line([]string{"the watch", ""}[min(i, 1)], w.EN)
		line("", w.ZH)
	}
	if d.Opens.Case != "" {
		line("opens", fmt.Sprintf("The case %s from %s on.", d.Opens.Case, d.Opens.From))
	}
	line("source", d.Source)
	line("may be false", strings.Join(d.FalseAlarms, "; "))
	line("maturity", d.Maturity)
	line("owner", d.Owner)
	return b.String()
}

// life is the way of one kind of case.
func life(k *lifecycle.Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %-14s%s · %s\n", k.ID, "title", k.Title.En, k.Title.Zh)
	for _, s := range k.States {
		end := ""
		switch {
		case s.End != "":
			end = ": the end, " + s.End
		case !s.Due.IsZero():
			end = ": overdue after " + s.Due.Text().En
		case s.DueBy != "":
			end = ": overdue after its " + s.DueBy
		}
		fmt.Fprintf(&b, "  %-14s%s, %s · %s%s\n", "state", s.ID, s.Title.En, s.Title.Zh, end)
	}
	for _, m := range k.Moves {
		text := fmt.Sprintf("%s, %s · %s: from %s to %s, by %s", m.ID, m.Title.En, m.Title.Zh, strings.Join(m.From, " or "), m.To, strings.Join(m.Who, ", "))
		if len(m.ByOtherThan) > 0 {
			text += "; not by who did " + strings.Join(m.ByOtherThan, " or ")
		}
		fmt.Fprintf(&b, "  %-14s%s\n", "move", text)
	}
	return b.String()
}
