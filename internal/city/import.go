package city

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/coords"
	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// MaxFile is the size of the largest file that is imported, in bytes. A city's 300,000 assets take about 100 MB.
const MaxFile = 256 << 20

// ImportOptions tell what a file doesn't say itself.
type ImportOptions struct {
	// Format is csv, xlsx or geojson; empty takes it from the file's name.
	Format string
	// Coordinates is wgs84, cgcs2000 or gcj02. It must be given for a file with coordinates; only GeoJSON has a default,
	// since its standard knows WGS 84 alone.
	Coordinates string
	// Encoding is utf-8 or gb18030, for CSV; see tabular.Decode.
	Encoding string
	// Sheet is the sheet of a spreadsheet; empty takes the first.
	Sheet string
	// Outside takes places that lie outside the city's grid: a partner's site, or one that recorded data come from. They lie
	// in no area. Without it such a place is refused, since it most likely is a mistake.
	Outside bool
	// Progress is told how far the work is. It is called from one goroutine, with a rising done, often.
	Progress func(done, total int)
}

// Report is what an import came to.
type Report struct {
	File      string            `json:"file"`
	Register  string            `json:"register"`
	Records   int               `json:"records"`
	Added     int               `json:"added"`
	Changed   int               `json:"changed"`
	Unchanged int               `json:"unchanged"`
	Notes     []tabular.Problem `json:"notes,omitempty"`
}

// Refusal is the error of a file that was not imported: all that is wrong with it, in the order of its lines. Nothing of
// the file is in the register.
type Refusal struct {
	File     string
	Problems []tabular.Problem
}

// Error lists all problems, one a line, as FILE:LINE:COLUMN: FIELD: MESSAGE.
func (r *Refusal) Error() string {
	var b strings.Builder
	for i, p := range r.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(r.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, max(p.Column, 1))
		}
		b.WriteString(": ")
		if p.Field != "" {
			b.WriteString(p.Field + ": ")
		}
		b.WriteString(p.Message)
	}
	return b.String()
}

// Import takes a file into one of the five lists, as a whole or not at all. Records that are there by their external id
// are changed, others added, none removed; a column that the file lacks is left as it is, an empty cell clears it. The
// error is a *Refusal when the file is wrong, and a *web.Error when the request is.
func (s *Service) Import(ctx context.Context, as, filename string, file io.Reader, o ImportOptions) (Report, error) {
	if err := s.Access.Decide(ctx, "city.import", access.Resource{Type: "city"}, access.Administration); err != nil {
		return Report{}, err
	}
	l, ok := lists[as]
	if !ok {
		return Report{}, web.Errorf(http.StatusUnprocessableEntity, "city.unknown_register", "unknown list %q, expected %s%s",
			as, strings.Join(Registers, ", "), suggest(as, Registers)).At("as")
	}
	format, err := tabular.FormatOf(o.Format, filename)
	if err != nil {
		return Report{}, web.Errorf(http.StatusUnprocessableEntity, "city.unknown_format", "%v", err).At("format")
	}
	system, err := systemOf(o.Coordinates)
	if err != nil {
		return Report{}, web.Errorf(http.StatusUnprocessableEntity, "city.unknown_coordinates", "%v", err).At("coordinates")
	}
	content, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return Report{}, fmt.Errorf("read %s: %w", filename, err)
	}
	if len(content) > MaxFile {
		return Report{}, web.Errorf(http.StatusRequestEntityTooLarge, "city.file_too_large", "%s is larger than %d MB: import it in parts", filename, MaxFile>>20)
	}
	sum := sha256.Sum256(content)
	j := &job{list: l, file: filename, sum: hex.EncodeToString(sum[:]), format: format, system: system, outside: o.Outside, progress: o.Progress}
	j.table, j.broken = tabular.Read(format, content, tabular.Options{Encoding: o.Encoding, Sheet: o.Sheet})

	s.importing.Lock()
	defer s.importing.Unlock()
	for {
		report, err := s.take(ctx, j)
		if errors.Is(err, errStale) {
			continue // another process was quicker: look again
		}
		return report, err
	}
}

// job is one file on its way in.
type job struct {
	list     *list
	file     string
	sum      string
	format   tabular.Format
	system   coords.System
	outside  bool
	table    tabular.Table
	broken   []tabular.Problem // what the reader found
	progress func(done, total int)
}

// take holds the file against the register as it is now and writes what differs.
func (s *Service) take(ctx context.Context, j *job) (Report, error) {
	have, err := s.holdings(ctx, j.list)
	if err != nil {
		return Report{}, err
	}
	d := &decoder{list: j.list, format: j.format, system: j.system, bounds: have.areas}
	if j.outside {
		d.bounds = nil // what lies elsewhere on purpose is not swapped
	}
	if j.format == tabular.GeoJSON {
		d.system = geojsonSystem(d, j)
	}
	drafts := d.decode(j.table, j.progress)
	c := &checker{list: j.list, have: have, now: s.Clock.Now(), outside: j.outside}
	c.check(drafts)
	if problems := slices.Concat(j.broken, d.problems, c.problems); len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b tabular.Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return Report{}, &Refusal{File: j.file, Problems: problems}
	}
	r := Report{File: j.file, Register: j.list.name, Records: len(drafts), Unchanged: c.unchanged, Notes: c.notes}
	for _, ch := range c.changes {
		if ch.added {
			r.Added++
		} else {
			r.Changed++
		}
	}
	if d.flat > 0 {
		r.Notes = append(r.Notes, tabular.Problem{Message: fmt.Sprintf("%d geometries had heights or measures, which the register does not keep", d.flat)})
	}
	if len(c.changes) > 0 {
		if err := s.write(ctx, j, c, drafts, r); err != nil {
			return Report{}, err
		}
		if err := s.Load(ctx); err != nil {
			return r, err
		}
	}
	if j.progress != nil {
		j.progress(len(j.table.Rows), len(j.table.Rows))
	}
	return r, nil
}

// holdings reads what the list's drafts will be held against.
func (s *Service) holdings(ctx context.Context, l *list) (holdings, error) {
	have := holdings{stored: map[string]*record{}, ids: map[string]map[string]int64{}, kinds: s.kinds()}
	var err error
	if have.revision, err = s.store.revision(ctx); err != nil {
		return have, err
	}
	if err := s.Load(ctx); err != nil {
		return have, err
	}
	have.areas = s.picture.Load().areas
	err = s.store.records(ctx, l, func(r *record) error {
		have.stored[l.key(r)] = r
		return nil
	})
	if err != nil {
		return have, err
	}
	for _, f := range l.fields {
		if (f.form == formReference || f.form == formReferences) && have.ids[f.of] == nil {
			if have.ids[f.of], err = s.store.ids(ctx, f.of); err != nil {
				return have, err
			}
		}
	}
	if l.name == Areas {
		have.places = map[string]*record{}
		err = s.store.records(ctx, lists[Places], func(r *record) error {
			have.places[r.values[0]] = r
			return nil
		})
		if err != nil {
			return have, err
		}
	}
	if l.name == Places || l.name == Assets {
		have.resited, err = s.store.resitings(ctx, l, s.Clock.Now().Add(-ResitingWindow))
	}
	return have, err
}

// write puts the changes, what they teach, the decision and the news of it into one transaction.
func (s *Service) write(ctx context.Context, j *job, c *checker, drafts []draft, r Report) error {
	now, actor := s.Clock.Now(), access.From(ctx)
	entry := func(action, subject string, detail map[string]any) ledger.Entry {
		return ledger.Entry{Action: action, Actor: actor.Name, ActorID: actor.ID, Subject: subject, At: now, Detail: detail}
	}
	words := wordsOf(j.list, drafts)
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := nextRevision(tx, c.have.revision); err != nil {
			return err
		}
		if err := s.store.put(tx, j.list, &c.verdict, &c.have); err != nil {
			return err
		}
		if err := putMoved(tx, c.moved); err != nil {
			return err
		}
		if err := putResitings(tx, j.list, c.changes, now); err != nil {
			return err
		}
		for _, w := range words {
			isNew, err := learn(tx, w.subject, w.term, now)
			if err != nil {
				return err
			}
			if isNew {
				if err := ledger.Append(tx, entry("city.allow", w.subject, map[string]any{"name": w.term, "file": j.file})); err != nil {
					return err
				}
			}
		}
		if err := ledger.Append(tx, entry("city.import", j.list.name, map[string]any{
			"file": j.file, "sha256": j.sum, "added": r.Added, "changed": r.Changed})); err != nil {
			return err
		}
		return outbox.Put(tx, events.RegisterImported{Register: j.list.name, File: j.file, Added: r.Added, Changed: r.Changed, By: actor.Name, At: now})
	})
	if err != nil && !errors.Is(err, errStale) {
		return fmt.Errorf("import %s: %w", j.file, err)
	}
	return err
}

// word is a name that the register holds a list of.
type word struct{ subject, term string }

// wordsOf are the kinds, levels and property names that the drafts use, each once.
func wordsOf(l *list, drafts []draft) []word {
	seen := map[word]bool{}
	for i := range drafts {
		for f, v := range drafts[i].values {
			if l.fields[f].form == formWord && v != "" {
				seen[word{strings.TrimSuffix(l.name, "s") + " " + l.fields[f].name, v}] = true
			}
		}
		for _, name := range drafts[i].names {
			seen[word{"asset property", name}] = true
		}
	}
	words := make([]word, 0, len(seen))
	for w := range seen {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b word) int {
		return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.term, b.term))
	})
	return words
}

// systemOf reads the declared coordinate system; empty is allowed here, and refused later if there are coordinates.
func systemOf(declared string) (coords.System, error) {
	if declared == "" {
		return "", nil
	}
	return coords.Parse(declared)
}

// geojsonSystem is WGS 84 unless something else was declared. A file of the time before RFC 7946 may name its own system:
// then the two must agree, since one of them is wrong.
func geojsonSystem(d *decoder, j *job) coords.System {
	system := cmp.Or(j.system, coords.WGS84)
	crs := strings.ToUpper(j.table.CRS)
	var named coords.System
	switch {
	case crs == "":
		return system
	case strings.HasSuffix(crs, "CRS84") || strings.HasSuffix(crs, ":4326"):
		named = coords.WGS84
	case strings.HasSuffix(crs, ":4490"):
		named = coords.CGCS2000
	default:
		d.problem(1, 1, "crs", "the file says that its coordinates are in %s: export it in WGS 84 or CGCS2000 degrees", j.table.CRS)
		return system
	}
	if named != system {
		d.problem(1, 1, "crs", "the file says %s (%s), but %s is declared: declare what it is (--coordinates)", j.table.CRS, named, system)
	}
	return system
}
