package respond

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// maxText is the longest note, task or remark, in characters.
const maxText = 4000

// Readings looks into the observation log.
type Readings interface {
	// Latest returns the newest reading of a datastream, and what it is a reading of. A datastream that does not exist or
	// has no number yet gives an error that wraps db.ErrNotFound. It answers from memory and doesn't block.
	Latest(ctx context.Context, datastream int64) (lifecycle.Reading, error)
}

// Register is what respond asks of the city's register. It may read the store, so it is never asked within a transaction.
type Register interface {
	inspect.Register
	// Name returns what people call a thing; kind is asset, place, area or organisation. Empty when it is not known.
	Name(ctx context.Context, kind string, id int64) lifecycle.Text
	// Above says whether an organisation is another, or stands above it. It answers from memory.
	Above(organisation, other int64) bool
}

// News is where other rooms' events come from; *bus.Bus fulfils it.
type News interface {
	Consume(ctx context.Context, durable string, subjects []string, fn func(ctx context.Context, m bus.Message) error) error
}

var _ News = (*bus.Bus)(nil)

// Deps are what the room needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Readings Readings
	Register Register
	Findings *inspect.Service
	News     News
	// Kinds are the case kinds of all packs as they are now. Running cases keep the version they were opened with.
	Kinds []*lifecycle.Kind
	// Calendars count working days, by their ids.
	Calendars map[string]lifecycle.WorkingDays
	// Vault opens what is sealed in private cases; nil where there are none.
	Vault Vault
	// Category is what people call a category of reports; nil where there are none.
	Category func(id string) lifecycle.Text
	// Town is the area of a town that an area lies in, 0 where it lies in none; nil stands for the area itself.
	Town func(area int64) int64
}

// Service runs cases. Its methods are safe for concurrent use.
type Service struct {
	Deps
	kinds map[string]*lifecycle.Kind

	mu sync.Mutex
	// versions are the definitions that were used, by hash; guarded by mu. They never change, so they are never dropped.
	versions map[string]*lifecycle.Kind
}

// New returns the room. It refuses a set of kinds in which one is ambiguous.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, kinds: map[string]*lifecycle.Kind{}, versions: map[string]*lifecycle.Kind{}}
	only := map[string]string{} // news that asks for no kind by name opens one kind only
	for _, k := range d.Kinds {
		if s.kinds[k.ID] != nil {
			return nil, fmt.Errorf("case kind %s stands in two packs", k.ID)
		}
		s.kinds[k.ID] = k
		for _, what := range []string{"finding", "report"} {
			if !slices.Contains(k.OpenedBy, what) {
				continue
			}
			if only[what] != "" {
				return nil, fmt.Errorf("case kinds %s and %s are both opened by a %s; only one can be", only[what], k.ID, what)
			}
			only[what] = k.ID
		}
		if k.Calendar != "" && d.Calendars[k.Calendar] == nil {
			return nil, fmt.Errorf("case kind %s counts working days by calendar %s, which stands in no pack", k.ID, k.Calendar)
		}
	}
	return s, nil
}

// changed tells that something was added to a case without a move.
func changed(tx *db.Tx, c *Case, what string, now time.Time) error {
	if c.Private {
		return nil
	}
	return outbox.Put(tx, events.CaseChanged{Case: c.ID, What: what, Area: c.Area, Owner: c.Owner, Parties: c.resource().Parties, At: now})
}

// Note adds a remark to the timeline. A closed case takes remarks too.
func (s *Service) Note(ctx context.Context, caseID int64, text, key string) (Receipt, error) {
	c, _, err := s.look(ctx, "case.note", caseID)
	if err != nil {
		return Receipt{}, err
	}
	text = strings.TrimSpace(text)
	if err := checkText(text, "text", true); err != nil {
		return Receipt{}, err
	}
	text = guard.Mask(text)
	who := access.From(ctx)
	request := []any{"note", caseID, text}
	if c.Private { // the digest of few words could be guessed
		request = []any{"note", caseID}
	}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := getCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		e := Entry{At: now, Actor: who, Kind: "note", Free: text}
		if _, err := s.enter(tx, c, &e); err != nil {
			return Receipt{}, err
		}
		if err := changed(tx, c, "note", now); err != nil {
			return Receipt{}, err
		}
		digest, err := answersDigest(nil, text)
		if err != nil {
			return Receipt{}, err
		}
		detail := map[string]any{"answers_sha256": digest}
		if c.Private {
			detail = map[string]any{}
		}
		return Receipt{Case: caseID, Entry: e.ID}, ledger.Append(tx, ledger.Entry{
			Action: "case.note", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: caseID, At: now, Detail: detail,
		})
	})
}

// --- shared

// now is the time to the microsecond, which is what the store keeps.
func (s *Service) now() time.Time { return s.Clock.Now().Truncate(time.Microsecond) }

// write runs a deed in one transaction, once per key. The time is taken inside, so that what the one writer does in order
// bears times in order.
func (s *Service) write(ctx context.Context, key string, request any, deed func(tx *db.Tx, now time.Time) (Receipt, error)) (Receipt, error) {
	var r Receipt
	err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		now := s.now()
		r, err = once(tx, access.From(ctx), key, request, now, func() (Receipt, error) { return deed(tx, now) })
		return err
	})
	return r, err
}

// decide asks whether the actor may do this to a case.
func (s *Service) decide(ctx context.Context, action string, caseID int64) error {
	_, _, err := s.look(ctx, action, caseID)
	return err
}

// look returns a case, with its law, to somebody who may do this to it.
func (s *Service) look(ctx context.Context, action string, caseID int64) (c *Case, k *lifecycle.Kind, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if c, err = getCase(tx, caseID); err != nil {
			return err
		}
		k, err = s.version(tx, c.Definition)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil, notFound(caseID)
	}
	if err != nil {
		return nil, nil, err
	}
	return c, k, s.unseen(ctx, c, s.Access.Decide(ctx, action, c.resource(), access.Operations))
}

// unseen says of a private case that there is none to whoever may not read it: that it exists is its parties' business alone.
func (s *Service) unseen(ctx context.Context, c *Case, refused error) error {
	var e *web.Error
	if refused != nil && c.Private && errors.As(s.Access.Decide(ctx, "case.read", c.resource(), access.Operations), &e) && e.Status == http.StatusForbidden {
		return notFound(c.ID)
	}
	return refused
}

func notFound(caseID int64) error {
	return web.Errorf(http.StatusNotFound, "case.not_found", "there is no case %d", caseID)
}

// openCase returns a case that is not closed.
func (s *Service) openCase(tx *db.Tx, caseID int64) (*Case, error) {
	c, err := getCase(tx, caseID)
	if err != nil {
		return nil, err
	}
	if !c.ClosedAt.IsZero() {
		return nil, lifecycle.Refuse(lifecycle.CodeClosed, "", "The case is closed.", "案卷已办结。")
	}
	return c, nil
}

// version returns a definition by its hash.
func (s *Service) version(tx *db.Tx, hash string) (*lifecycle.Kind, error) {
	s.mu.Lock()
	k := s.versions[hash]
	s.mu.Unlock()
	if k != nil {
		return k, nil
	}
	k, err := getDefinition(tx, hash)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.versions[hash] = k
	s.mu.Unlock()
	return k, nil
}

// facts are what belongs to a case beside itself, as far as they were read.
type facts struct {
	past     []lifecycle.PastMove
	attached []Attachment
	tasks    []Task
	limits   []Limit
	parts    []*Case
	asks     []*Ask
	before   []lifecycle.Holder
	returns  int
}

// snapshot is what the law needs to know of a case, but for the newest readings.
func (s *Service) snapshot(c *Case, k *lifecycle.Kind, f facts) lifecycle.Snapshot {
	snap := lifecycle.Snapshot{
		State: c.State, Since: c.Since, OpenedAt: c.OpenedAt, Level: c.Level, Asset: c.Asset, Datastreams: c.Datastreams, Fields: c.Fields,
		Owner: c.Owner, Desk: c.Desk, Covers: s.Register.Above, Parent: c.Parent, Listed: c.Listed, Reopened: c.Reopened,
		Days: s.Calendars[k.Calendar], Past: f.past, Returns: f.returns,
	}
	for _, a := range f.attached {
		snap.Evidence = append(snap.Evidence, a.Evidence)
	}
	for _, t := range f.tasks {
		if t.State == "open" {
			snap.OpenTasks++
		}
	}
	for _, l := range f.limits {
		if l.State != "running" {
			continue
		}
		snap.Limits = append(snap.Limits, lifecycle.Limited{Name: l.Name, DueAt: l.DueAt, Extensions: l.Extensions})
		if l.Name == lifecycle.StateLimit {
			snap.Extensions = l.Extensions
		}
	}
	for _, p := range f.parts {
		if p.ClosedAt.IsZero() {
			snap.OpenParts++
		}
	}
	for _, a := range f.asks {
		if a.State == "open" {
			snap.Asks = append(snap.Asks, a.Move)
		}
	}
	if n := len(f.before); n > 0 {
		snap.Before = &f.before[n-1]
	}
	return snap
}

// gather reads the facts that a move asks for.
func gather(tx *db.Tx, c *Case, k *lifecycle.Kind, need lifecycle.Needs) (f facts, err error) {
	for _, part := range []struct {
		needed bool
		read   func() error
	}{
		{need.Past, func() (err error) { f.past, err = pastMoves(tx, c.ID); return }},
		{need.Evidence, func() (err error) { f.attached, err = evidence(tx, c.ID); return }},
		{need.Tasks, func() (err error) { f.tasks, err = tasks(tx, c.ID); return }},
		{need.Limits, func() (err error) { f.limits, err = limits(tx, c.ID, true); return }},
		{need.Parts, func() (err error) { f.parts, err = partsOf(tx, c.ID); return }},
		{need.Before, func() (err error) { f.before, f.returns, err = holders(tx, c, k); return }},
		{k.Asks(), func() (err error) { f.asks, err = asks(tx, c.ID, true); return }},
	} {
		if part.needed {
			if err := part.read(); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// latest returns the newest reading of each datastream that stands among a case's evidence, where a move asks for one.
func (s *Service) latest(ctx context.Context, caseID int64, m *lifecycle.Move) (map[int64]lifecycle.Reading, error) {
	if m == nil || !m.Needs().Evidence {
		return nil, nil
	}
	var attached []Attachment
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		attached, err = evidence(tx, caseID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.latestOf(ctx, attached)
}

func (s *Service) latestOf(ctx context.Context, attached []Attachment) (map[int64]lifecycle.Reading, error) {
	out := map[int64]lifecycle.Reading{}
	for _, a := range attached {
		if a.Reading == nil {
			continue
		}
		if _, seen := out[a.Reading.Datastream]; seen {
			continue
		}
		r, err := s.Readings.Latest(ctx, a.Reading.Datastream)
		if errors.Is(err, db.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("newest reading of datastream %d: %w", a.Reading.Datastream, err)
		}
		out[a.Reading.Datastream] = r
	}
	return out, nil
}

func answersDigest(answers map[string]any, note string) (string, error) {
	b, err := json.Marshal(map[string]any{"fields": answers, "note": note}) // map keys come out sorted
	if err != nil {
		return "", fmt.Errorf("encode answers: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// checkText refuses what cannot be kept or shown.
func checkText(text, field string, required bool) error {
	switch {
	case required && text == "":
		return web.Errorf(http.StatusUnprocessableEntity, "case.text", "write something here").At(field)
	case utf8.RuneCountInString(text) > maxText:
		return web.Errorf(http.StatusUnprocessableEntity, "case.text", "at most %d characters", maxText).At(field)
	case !clean(text):
		return web.Errorf(http.StatusUnprocessableEntity, "case.text", "the text holds characters that cannot be shown").At(field)
	}
	return nil
}

func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// firstWords makes a title of a description, which is masked already: a number that the cut has halved would not be known
// for one.
func firstWords(text string) string {
	const most = 40
	line, _, _ := strings.Cut(text, "\n")
	if r := []rune(line); len(r) > most {
		return string(r[:most]) + "…"
	}
	return line
}

// actorName is who stands in the ledger: the program itself has a name, and the public has none.
func actorName(who access.Actor) string {
	if who.Name != "" {
		return who.Name
	}
	return who.Kind.String()
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
