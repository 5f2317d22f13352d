package reports

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxDraws is how often a number that is taken is drawn anew.
const maxDraws = 5

// Area is a district or town that people know by its name.
type Area struct {
	ID     int64
	Parent int64 // 0 at the top
	Name   page.Text
	Point  [2]float64 // longitude, latitude of a point inside it
}

// Locator knows where things are; city fulfils it. It is safe for concurrent use.
type Locator interface {
	// AreaAt lists the areas at a point, the smallest first; none outside the city. It answers from memory.
	AreaAt(lon, lat float64) []int64
	// Areas lists the districts and towns, parents before children; grid cells are left out.
	Areas(ctx context.Context) ([]Area, error)
}

// Bus delivers events, at least once and in order, until ctx ends; bus.Bus fulfils it.
type Bus interface {
	Consume(ctx context.Context, durable string, subjects []string, fn func(ctx context.Context, m bus.Message) error) error
}

// Deps are what the room needs.
type Deps struct {
	DB      *db.DB
	Clock   clock.Clock
	Access  access.Decider
	Locator Locator
	Bus     Bus // may be nil: then nothing closes reports by itself
	Site    page.Site
	// Client tells whom a request comes from, behind a proxy too; the connection's address when nil.
	Client func(*http.Request) netip.Addr
	// Burst and Refill bound the public form per sender; DefaultBurst and DefaultRefill when 0.
	Burst  int
	Refill time.Duration
	// Random is where numbers are drawn from; the system's source when nil.
	Random io.Reader
}

// Service takes, lists and closes reports. It is safe for concurrent use.
type Service struct {
	db         *db.DB
	clock      clock.Clock
	access     access.Decider
	locator    Locator
	bus        Bus
	client     func(*http.Request) netip.Addr
	zone       *time.Location
	random     io.Reader
	categories categories
	pages      *page.Set
	limit      *limiter
}

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed templates/*.html texts/*.json
var pageFiles embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("reports", migrations) }

// New returns the room.
func New(d Deps) (*Service, error) {
	s := &Service{db: d.DB, clock: d.Clock, access: d.Access, locator: d.Locator, bus: d.Bus, client: d.Client, zone: d.Site.TimeZone, random: d.Random}
	if s.client == nil {
		s.client = remoteAddr
	}
	if s.zone == nil {
		s.zone = time.UTC
	}
	if s.random == nil {
		s.random = systemRandom
	}
	if d.Burst == 0 {
		d.Burst = DefaultBurst
	}
	if d.Refill == 0 {
		d.Refill = DefaultRefill
	}
	s.limit = newLimiter(d.Burst, d.Refill)
	var err error
	if s.categories, err = loadCategories(categoriesYAML); err != nil {
		return nil, err
	}
	templates, err := fs.Sub(pageFiles, "templates")
	if err != nil {
		return nil, err
	}
	texts, err := fs.Sub(pageFiles, "texts")
	if err != nil {
		return nil, err
	}
	if s.pages, err = page.New(d.Site, templates, texts); err != nil {
		return nil, err
	}
	return s, nil
}

func remoteAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}

// Categories are what a report can be about.
func (s *Service) Categories() []Category { return s.categories.all }

// File takes a resident's report and returns its number. A form that was sent before returns the number that it got then.
func (s *Service) File(ctx context.Context, f Filing) (number string, err error) {
	if err := s.access.Decide(ctx, "report.file", access.Resource{Type: "report"}, access.PublicInformation); err != nil {
		return "", err
	}
	areas, err := s.locator.Areas(ctx)
	if err != nil {
		return "", fmt.Errorf("list areas: %w", err)
	}
	if errs := f.check(s.categories, areas); len(errs) > 0 {
		return "", errs[0]
	}
	now := s.clock.Now()
	r := row{category: f.Category, text: guard.Mask(clean(f.Text)), address: guard.Mask(clean(f.Address)), channel: channelForm, submission: f.Submission,
		state: Open, contact: f.reachable(), received: now}
	if err := s.locate(&r, f, areas); err != nil {
		return "", err
	}
	secrets := f.secrets()
	err = s.draw([]*row{&r}, func() error {
		return s.db.Write(ctx, func(tx *db.Tx) error {
			if f.Submission != "" {
				switch number, err := bySubmission(tx, f.Submission); {
				case err == nil:
					r.number = number
					return nil
				case !errors.Is(err, db.ErrNotFound):
					return err
				}
			}
			ids, err := insert(tx, []row{r})
			if err != nil {
				return err
			}
			id := ids[r.number]
			if len(secrets) > 0 {
				if err := vault.Seal(tx, vault.Ref{Type: "report", ID: id}, secrets, 0); err != nil {
					return err
				}
			}
			if err := s.received(tx, id, r); err != nil {
				return err
			}
			return ledger.Append(tx, ledger.Entry{Action: "report.file", Actor: "public", Subject: "report", SubjectID: id, At: now,
				Detail: map[string]any{"number": r.number, "category": r.category, "area": r.area, "channel": r.channel}})
		})
	})
	if err != nil {
		return "", fmt.Errorf("file a report: %w", err)
	}
	return r.number, nil
}

// check is all pages of the form at once.
func (f Filing) check(c categories, areas []Area) []*web.Error {
	errs := f.checkCategory(c)
	errs = append(errs, f.checkText()...)
	errs = append(errs, f.checkPlace(areas)...)
	return append(errs, f.checkContact()...)
}

// locate finds the smallest area of the point, or takes the middle of the area that was chosen.
func (s *Service) locate(r *row, f Filing, areas []Area) error {
	p, err := f.point()
	if err != nil {
		return err
	}
	if p != nil {
		at := s.locator.AreaAt(p[0], p[1])
		if len(at) == 0 {
			return wrong("report.outside", "lat")
		}
		r.point, r.area, r.precision = p, at[0], ByPoint
		return nil
	}
	r.precision = Unknown
	for _, a := range areas {
		if a.ID == f.Area {
			middle := a.Point
			r.point, r.area, r.precision = &middle, a.ID, ByArea
		}
	}
	return nil
}

// draw gives the rows numbers and stores them, again with new numbers while one of them is taken.
func (s *Service) draw(rows []*row, store func() error) error {
	for range maxDraws {
		for _, r := range rows {
			var err error
			if r.number, err = newNumber(r.received.In(s.zone), s.random); err != nil {
				return err
			}
		}
		if err := store(); !db.IsUnique(err) {
			return err
		}
	}
	return errors.New("no free report number was drawn")
}

// received tells of a new report.
func (s *Service) received(tx *db.Tx, id int64, r row) error {
	return outbox.Put(tx, events.ReportReceived{Report: id, Number: r.number, Category: r.category, About: s.categories.byID[r.category].About,
		Channel: r.channel, Area: r.area, Point: r.point, Precision: string(r.precision), At: r.received.UTC(), Closed: r.state == Closed})
}

// Import takes a bulk of reports. Each external id of a source is taken once, however often it is sent; what is wrong with
// an item keeps out that item only. All that is accepted is in one commit.
func (s *Service) Import(ctx context.Context, in Import) (Imported, error) {
	// Bringing a history along is the work of whoever brings the register along.
	if err := s.access.Decide(ctx, "city.import", access.Resource{Type: "report"}, access.Maintenance); err != nil {
		return Imported{}, err
	}
	if len(in.Items) > MaxImport {
		return Imported{}, web.Errorf(422, "report.too_many", "%d items in one request, at most %d are taken", len(in.Items), MaxImport).At("items")
	}
	now := s.clock.Now()
	source := orElse(strings.TrimSpace(in.Source), "import")
	out := Imported{Refused: []Refused{}}
	var rows []*row
	for i, item := range in.Items {
		r, refused := item.check(s.categories, source, now)
		if refused != nil {
			refused.Index = i
			out.Refused = append(out.Refused, *refused)
			continue
		}
		if r.point != nil {
			if at := s.locator.AreaAt(r.point[0], r.point[1]); len(at) > 0 {
				r.area = at[0]
			}
		}
		rows = append(rows, &r)
	}
	if len(rows) == 0 {
		return out, nil
	}
	actor := access.From(ctx)
	err := s.draw(rows, func() error {
		return s.db.Write(ctx, func(tx *db.Tx) error {
			flat := make([]row, len(rows))
			for i, r := range rows {
				flat[i] = *r
			}
			ids, err := insert(tx, flat)
			if err != nil {
				return err
			}
			out.Accepted, out.Duplicate = len(ids), len(rows)-len(ids)
			if len(ids) == 0 {
				return nil
			}
			for _, r := range flat {
				id, isNew := ids[r.number]
				if !isNew {
					continue
				}
				if err := s.received(tx, id, r); err != nil {
					return err
				}
				if r.state == Closed {
					at := r.received
					if r.closed != nil {
						at = *r.closed
					}
					if err := outbox.Put(tx, events.ReportClosed{Report: id, Number: r.number, Area: r.area, At: at.UTC()}); err != nil {
						return err
					}
				}
			}
			return ledger.Append(tx, ledger.Entry{Action: "report.import", Actor: orElse(actor.Name, actor.Kind.String()), ActorID: actor.ID,
				Subject: "report", At: now, Detail: map[string]any{"source": source, "accepted": out.Accepted, "duplicate": out.Duplicate, "refused": len(out.Refused)}})
		})
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import reports: %w", err)
	}
	return out, nil
}

// List returns reports, newest first, and the cursor of the next page ("" at the end). What lies outside the actor's scope
// is left out.
func (s *Service) List(ctx context.Context, q Query) (items []Report, next string, err error) {
	if err := s.access.Decide(ctx, "report.read", access.Resource{Type: "report"}, access.Operations); err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		items, err = list(tx, q, s.categories)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list reports: %w", err)
	}
	if len(items) == q.Limit && len(items) > 0 {
		next = cursorOf(items[len(items)-1])
	}
	visible := []Report{}
	for _, r := range items {
		if s.access.Decide(ctx, "report.read", access.Resource{Type: "report", ID: r.ID, Area: r.Area}, access.Operations) == nil {
			visible = append(visible, r)
		}
	}
	return visible, next, nil
}

// Get returns one report.
func (s *Service) Get(ctx context.Context, id int64) (r Report, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = byID(tx, id, s.categories)
		return err
	})
	unknown := errors.Is(err, db.ErrNotFound)
	if err != nil && !unknown {
		return Report{}, err
	}
	// Asked before "not found" is said, or a stranger could tell which ids exist.
	if err := s.access.Decide(ctx, "report.read", access.Resource{Type: "report", ID: id, Area: r.Area}, access.Operations); err != nil {
		return Report{}, err
	}
	if unknown {
		return Report{}, web.Errorf(404, "report.unknown", "there is no report %d", id)
	}
	return r, nil
}

// Tracked is all that the page under a number shows.
type Tracked struct {
	Number     string
	Category   page.Text
	State      State
	ReceivedAt time.Time
	ClosedAt   *time.Time
}

// Track finds a report by its number. Whoever knows the number may see how it stands, and nothing more.
func (s *Service) Track(ctx context.Context, number string) (Tracked, error) {
	if err := s.access.Decide(ctx, "report.track", access.Resource{Type: "report"}, access.PublicInformation); err != nil {
		return Tracked{}, err
	}
	unknown := web.Errorf(404, "report.unknown", "there is no report with this number")
	number, ok := ParseNumber(number)
	if !ok {
		return Tracked{}, unknown
	}
	var r Report
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = byNumber(tx, number, s.categories)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return Tracked{}, unknown
	}
	return Tracked{Number: r.Number, Category: r.CategoryTitle, State: r.State, ReceivedAt: r.ReceivedAt, ClosedAt: r.ClosedAt}, err
}

// Run closes reports whose case was closed, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if s.bus == nil {
		<-ctx.Done()
		return nil
	}
	return s.bus.Consume(ctx, "reports", []string{events.CaseClosed{}.Subject()}, s.caseClosed)
}

// caseClosed may see an event twice: closing a closed report does nothing.
func (s *Service) caseClosed(ctx context.Context, m bus.Message) error {
	var e events.CaseClosed
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return fmt.Errorf("%w: %w", bus.ErrDrop, err)
	}
	if e.Report == 0 {
		return nil
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		closed, err := closeReport(tx, e.Report, e.At)
		if err != nil || !closed {
			return err
		}
		r, err := byID(tx, e.Report, s.categories)
		if err != nil {
			return err
		}
		if err := vault.Close(tx, vault.Ref{Type: "report", ID: r.ID}, e.At); err != nil {
			return err
		}
		return outbox.Put(tx, events.ReportClosed{Report: r.ID, Number: r.Number, Area: r.Area, At: e.At.UTC()})
	})
}

// clean brings line ends into one form.
func clean(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
