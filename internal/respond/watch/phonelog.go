package watch

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
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

// Who calls. A resident has no name here: how he is reached stands in the vault of the case.
const (
	Unit     = "unit"
	Resident = "resident"
)

const (
	// maxLate is how long after a call its line may be written.
	maxLate = 7 * 24 * time.Hour
	// MaxLines bounds one page of the log.
	MaxLines = 500
)

// Line is one line of the phone log. It is never changed.
type Line struct {
	ID         int64
	Desk       int64
	At         time.Time // when the call came
	RecordedAt time.Time
	ByID       int64
	By         string
	Caller     string // unit or resident
	Unit       int64  // organisation
	UnitName   string // of one that the register does not know
	SpotText   string // where, in the words of the call
	inspect.Spot
	What, Harm string
	Case       int64
	Opened     bool // it opened the case
	Contact    bool // how the caller is reached stands in the case's vault
	Corrects   int64
}

// LineRequest asks for a line of the phone log: five fields, and what is to be done with them.
type LineRequest struct {
	At       *time.Time `json:"at,omitempty" doc:"when the call came; now when left out"`
	Caller   string     `json:"caller" enum:"unit,resident" doc:"who calls"`
	Unit     int64      `json:"unit,omitempty" doc:"the organisation that calls"`
	UnitName string     `json:"unit_name,omitempty" doc:"or its name, where the register does not know it"`
	Where    string     `json:"where" doc:"where it is, in the words of the call"`
	What     string     `json:"what" doc:"what has happened"`
	Harm     string     `json:"harm,omitempty" doc:"casualties and harm, as far as known"`
	// The spot, where the officer has picked one.
	Asset int64       `json:"asset,omitempty"`
	Place int64       `json:"place,omitempty"`
	Area  int64       `json:"area,omitempty"`
	Point *[2]float64 `json:"point,omitempty" doc:"longitude, latitude"`
	// What is to become of it.
	Open     bool   `json:"open,omitempty" doc:"open an incident for it"`
	Grade    string `json:"grade,omitempty" enum:"extraordinary,major,larger,general" doc:"of the incident, if anyone can say so yet"`
	Case     int64  `json:"case,omitempty" doc:"or it belongs to this case"`
	Contact  string `json:"contact,omitempty" doc:"how a resident is reached; goes into the vault of the case that is opened, and nowhere else"`
	Corrects int64  `json:"corrects,omitempty" doc:"the line that this one puts right"`
}

// grades are those of an emergency incident, the highest first.
var grades = [...]string{"extraordinary", "major", "larger", "general"}

func (r *LineRequest) check() error {
	for _, f := range []struct {
		text     *string
		name     string
		required bool
		most     int
	}{{&r.UnitName, "unit_name", false, 120}, {&r.Where, "where", true, 300}, {&r.What, "what", true, maxLine}, {&r.Harm, "harm", false, maxLine}} {
		if err := words(f.text, f.name, f.required, f.most); err != nil {
			return err
		}
	}
	r.Contact = strings.TrimSpace(r.Contact)
	switch {
	case r.Caller != Unit && r.Caller != Resident:
		return bad("watch.caller", "caller", "expected unit or resident, got %q", r.Caller)
	case r.Caller == Unit && r.Unit == 0 && r.UnitName == "":
		return bad("watch.missing", "unit", "say which unit calls")
	case r.Caller == Resident && (r.Unit != 0 || r.UnitName != ""):
		return bad("watch.caller", "unit", "a resident is not named")
	case r.Open && r.Case != 0:
		return bad("watch.case", "case", "open a case, or name the one that it belongs to; not both")
	case r.Grade != "" && (!r.Open || !slices.Contains(grades[:], r.Grade)):
		return bad("watch.grade", "grade", "expected one of %s, of an incident that is opened", strings.Join(grades[:], ", "))
	case r.Contact != "" && (!r.Open || r.Caller != Resident):
		return bad("watch.contact", "contact", "how a caller is reached is kept in the vault of a case that is opened for a resident's call, and nowhere else")
	case len([]rune(r.Contact)) > 300:
		return bad("watch.too_long", "contact", "at most 300 characters")
	}
	return nil
}

// Log writes a line into the phone log; it opens an incident, or goes to a case, as asked.
func (s *Service) Log(ctx context.Context, r LineRequest, key string) (respond.Receipt, error) {
	who, err := s.mine(ctx, "watch.write")
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := r.check(); err != nil {
		return respond.Receipt{}, err
	}
	if err := s.organisation(ctx, r.Unit, "unit"); err != nil {
		return respond.Receipt{}, err
	}
	spot, err := s.locate(ctx, &r)
	if err != nil {
		return respond.Receipt{}, err
	}
	switch {
	case r.Case != 0:
		err = s.Cases.Decide(ctx, "case.note", r.Case)
	case r.Open && !s.hasKind(IncidentKind):
		err = web.Errorf(http.StatusConflict, "watch.no_incident_kind", "no pack has the case kind %q; write the line without opening one", IncidentKind)
	case r.Open:
		res := access.Resource{Type: "case", Organisation: spot.Owner, Area: spot.Area}
		if spot.Owner == 0 && spot.Area == 0 {
			res.Organisation = who.Organisation
		}
		err = s.Access.Decide(ctx, "case.open", res, access.Operations)
	}
	if err != nil {
		return respond.Receipt{}, err
	}
	// The digest of a request is kept for a day, outside the vault: it must not say anything about the contact, not even by a hash.
	asked := r
	asked.Contact = ""
	return s.Cases.Once(ctx, key, []any{"call", asked}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		return s.log(tx, who, r, spot, now)
	})
}

// locate completes the spot that the officer picked.
func (s *Service) locate(ctx context.Context, r *LineRequest) (inspect.Spot, error) {
	spot := inspect.Spot{Asset: r.Asset, Place: r.Place, Point: r.Point}
	if spot.Asset == 0 && spot.Place == 0 && spot.Point == nil {
		if r.Area != 0 && s.Register.Name(ctx, "area", r.Area) == (Text{}) {
			return spot, bad("watch.unknown_spot", "area", "there is no area %d", r.Area)
		}
		spot.Area = r.Area
		return spot, nil
	}
	spot, err := s.Register.Locate(ctx, spot)
	if errors.Is(err, db.ErrNotFound) {
		return spot, bad("watch.unknown_spot", "where", "there is no such asset or place")
	}
	return spot, err
}

func (s *Service) log(tx *db.Tx, who access.Actor, r LineRequest, spot inspect.Spot, now time.Time) (respond.Receipt, error) {
	at, err := when(r.At, now, now.Add(-maxLate), "at")
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := notPrivate(tx, r.Case); err != nil {
		return respond.Receipt{}, err
	}
	l := Line{
		Desk: who.Organisation, At: at, RecordedAt: now, ByID: who.ID, By: actorName(who), Caller: r.Caller, Unit: r.Unit, UnitName: r.UnitName,
		SpotText: r.Where, Spot: spot, What: r.What, Harm: r.Harm, Case: r.Case, Opened: r.Open, Contact: r.Contact != "", Corrects: r.Corrects,
	}
	if r.Corrects != 0 {
		before, err := getLine(tx, r.Corrects)
		if err != nil {
			return respond.Receipt{}, unknown(err, "line", r.Corrects)
		}
		if before.Desk != l.Desk {
			return respond.Receipt{}, missing("line", r.Corrects)
		}
		if l.Case == 0 && !r.Open {
			l.Case = before.Case // what puts right a line belongs where that belongs
		}
	}
	if r.Open {
		if l.Case, err = s.openIncident(tx, who, r, l, now); err != nil {
			return respond.Receipt{}, err
		}
	}
	if err := insertLine(tx, &l); err != nil {
		return respond.Receipt{}, err
	}
	if l.Case != 0 && !l.Opened {
		e := s.lineEntry(l)
		e.At, e.Actor = now, who
		if err := s.Cases.Enter(tx, l.Case, &e); err != nil {
			return respond.Receipt{}, err
		}
	}
	return respond.Receipt{Case: l.Case, Item: l.ID}, errors.Join(
		outbox.Put(tx, events.WatchLogged{Line: l.ID, Case: l.Case, Opened: l.Opened, Desk: l.Desk, Area: l.Area, At: now}),
		ledger.Append(tx, ledger.Entry{
			Action: "watch.write", Actor: l.By, ActorID: l.ByID, Subject: "line", SubjectID: l.ID, At: now,
			// The words may name someone and stay in the log; their hash binds them.
			Detail: map[string]any{"at": at.Format(time.RFC3339Nano), "caller": l.Caller, "unit": l.Unit, "case": l.Case, "opened": l.Opened,
				"corrects": l.Corrects, "words_sha256": digest(l.UnitName, l.SpotText, l.What, l.Harm)},
		}))
}

// openIncident opens the case of a call, puts away how the caller is reached, and starts the clocks of its reports upward, which
// run from the call.
func (s *Service) openIncident(tx *db.Tx, who access.Actor, r LineRequest, l Line, now time.Time) (int64, error) {
	fields := map[string]any{"where": r.Where, "what": r.What}
	if r.Harm != "" {
		fields["harm"] = r.Harm
	}
	if r.Grade != "" {
		fields["grade"] = r.Grade
	}
	// The desk that took the call runs the case, whoever owns the place.
	o := respond.Opening{Kind: IncidentKind, Title: title(r.Where, r.What), Desk: who.Organisation, Fields: fields, Spot: l.Spot}
	c, _, err := s.Cases.Open(tx, who, o, s.lineEntry(l), now)
	if err != nil {
		return 0, err
	}
	if r.Contact != "" {
		if err := vault.Seal(tx, vault.Ref{Type: "case", ID: c.ID}, map[string]string{"contact": r.Contact}, 0); err != nil {
			return 0, err
		}
	}
	return c.ID, s.begin(tx, c, l.At, now)
}

// lineEntry is what a case's timeline says of a call.
func (s *Service) lineEntry(l Line) respond.Entry {
	parts := []string{l.SpotText, l.What}
	if l.Harm != "" {
		parts = append(parts, l.Harm)
	}
	t := respond.Entry{Kind: "call", Text: Text{En: "Reported by telephone by a resident", Zh: "群众电话报告"}, Free: strings.Join(parts, "；"),
		Data: map[string]any{"called_at": l.At.Format(time.RFC3339Nano), "caller": l.Caller, "unit": l.Unit}}
	switch {
	case l.Corrects != 0:
		t.Text = Text{En: "Put right after a call", Zh: "接报更正"}
	case l.Caller == Unit && l.UnitName != "":
		t.Text = Text{En: "Reported by telephone by " + l.UnitName, Zh: l.UnitName + "电话报告"}
	case l.Caller == Unit:
		t.Text = Text{En: "Reported by telephone by a unit", Zh: "单位电话报告"}
	}
	return t
}

// title makes a case's title of where and what, which are masked already.
func title(where, what string) string {
	const most = 40
	first, _, _ := strings.Cut(what, "\n")
	t := []rune(where + " " + first)
	if len(t) > most {
		return string(t[:most]) + "…"
	}
	return string(t)
}

// Contact opens how the caller of a line is reached, for a purpose, to the desk that took the call and the owner of the case; the
// vault writes down who did.
func (s *Service) Contact(ctx context.Context, id int64, purpose access.Purpose) (map[string]string, error) {
	var l Line
	var c *respond.Case
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if l, err = getLine(tx, id); err != nil {
			return err
		}
		if !l.Contact {
			return db.ErrNotFound
		}
		c, err = respond.Find(tx, l.Case)
		return err
	})
	if err != nil {
		return nil, unknown(err, "contact of line", id)
	}
	// Neither a party of the case nor who has a duty for its area: the caller told the desk, and the owner of the case must reach him.
	r := access.Resource{Type: "case", ID: c.ID, Organisation: c.Owner, Parties: []int64{l.Desk, c.Owner}, Private: c.Private}
	return s.Vault.Open(ctx, r, purpose)
}

// --- reading

// LineView is a line as people see it.
type LineView struct {
	ID          int64       `json:"id"`
	At          time.Time   `json:"at" doc:"when the call came"`
	RecordedAt  time.Time   `json:"recorded_at"`
	By          string      `json:"by"`
	Desk        int64       `json:"desk,omitempty"`
	Caller      string      `json:"caller" enum:"unit,resident"`
	Unit        int64       `json:"unit,omitempty"`
	UnitName    any         `json:"unit_name,omitempty" doc:"{en, zh-CN}, or the words of the call"`
	Where       string      `json:"where"`
	Asset       int64       `json:"asset,omitempty"`
	Place       int64       `json:"place,omitempty"`
	Area        int64       `json:"area,omitempty"`
	Point       *[2]float64 `json:"point,omitempty"`
	What        string      `json:"what"`
	Harm        string      `json:"harm,omitempty"`
	Case        int64       `json:"case,omitempty"`
	Opened      bool        `json:"opened,omitempty"`
	Contact     bool        `json:"contact,omitempty" doc:"how the caller is reached stands in the case's vault"`
	Corrects    int64       `json:"corrects,omitempty"`
	CorrectedBy int64       `json:"corrected_by,omitempty" doc:"the newest line that puts this one right"`
}

// LineFilter narrows the log; zero fields don't.
type LineFilter struct {
	From, To time.Time // of the call
	Case     int64
	Before   int64 // go on below this id
	Limit    int
}

// Lines returns lines of the desks that the actor sees, the newest written first.
func (s *Service) Lines(ctx context.Context, f LineFilter) (found []LineView, next int64, err error) {
	if _, err := s.mine(ctx, "watch.log"); err != nil {
		return nil, 0, err
	}
	if f.Limit <= 0 || f.Limit > MaxLines {
		f.Limit = MaxLines
	}
	sees, name := s.seen(ctx), s.names(ctx)
	var ls []Line
	corrected := map[int64]int64{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		for before := f.Before; ; {
			page, err := lines(tx, f, before)
			if err != nil {
				return err
			}
			for _, l := range page {
				before = l.ID
				if !sees(l.Desk) {
					continue
				}
				ls = append(ls, l)
				if len(ls) == f.Limit {
					next = before
					break
				}
			}
			if next != 0 || len(page) < f.Limit {
				break
			}
		}
		for _, l := range ls {
			by, err := correctedBy(tx, l.ID)
			if err != nil {
				return err
			}
			corrected[l.ID] = by
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	found = []LineView{}
	for _, l := range ls {
		v := l.view(name(l.Unit))
		v.CorrectedBy = corrected[l.ID]
		found = append(found, v)
	}
	return found, next, nil
}

func (l Line) view(unit *Text) LineView {
	v := LineView{
		ID: l.ID, At: l.At, RecordedAt: l.RecordedAt, By: l.By, Desk: l.Desk, Caller: l.Caller, Unit: l.Unit, Where: guard.Mask(l.SpotText),
		Asset: l.Asset, Place: l.Place, Area: l.Area, Point: l.Point, What: guard.Mask(l.What), Harm: guard.Mask(l.Harm), Case: l.Case,
		Opened: l.Opened, Contact: l.Contact, Corrects: l.Corrects,
	}
	switch {
	case unit != nil:
		v.UnitName = unit
	case l.UnitName != "":
		v.UnitName = guard.Mask(l.UnitName)
	}
	return v
}

// digest binds words without telling them.
func digest(parts ...string) string {
	b, err := json.Marshal(parts)
	if err != nil {
		return fmt.Sprint(err) // strings always encode
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
