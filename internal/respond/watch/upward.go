package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

// clockTimer is the name of the timer of a clock.
const clockTimer = "clock"

// The ways in which a report is told. Fax and system are in writing.
const (
	Fax    = "fax"
	System = "system"
)

// Clock is a report upward that has to be told by a time.
type Clock struct {
	ID   int64
	Case int64
	Want
	Grade     string
	FirstDue  time.Time
	State     string // running, met or withdrawn
	EndedAt   time.Time
	OverdueAt time.Time // when it was told that it is late
	Telling   int64     // what met it
}

// Report is a report upward with its versions and whom each was told.
type Report struct {
	ID       int64
	Case     int64
	Kind     string // first, follow-up or final
	Number   int    // of its kind in the case, from 1
	At       time.Time
	By       string
	Versions []Version
	Tellings []Telling
}

// Version is one text of a report. It is never changed.
type Version struct {
	Version  int       `json:"version"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Text     string    `json:"text"`
	Drafted  bool      `json:"drafted" doc:"as the program drafted it from the case's facts"`
	SignedAt time.Time `json:"-"`
	SignedBy string    `json:"signed_by,omitempty"`
}

// Telling is that a version was told to an office.
type Telling struct {
	ID         int64
	Case       int64
	Report     int64
	kind       string // of the report
	Version    int
	How        string // phone, fax or system
	To         string
	Clock      int64 // that it met; 0: none
	At         time.Time
	RecordedAt time.Time
	ByID       int64
	By         string
}

// recordWithin is how long after a telling it may be written down and still count from when it was told.
const recordWithin = 15 * time.Minute

// recordedLate says that it was written down too long after for its time to be taken at its word.
func (t Telling) recordedLate() bool { return t.RecordedAt.Sub(t.At) > recordWithin }

// counts is the time by which lateness is judged.
func (t Telling) counts() time.Time {
	if t.recordedLate() {
		return t.RecordedAt
	}
	return t.At
}

func (t Telling) told() Told {
	how := InWriting
	if t.How == ByPhone {
		how = ByPhone
	}
	return Told{Report: t.kind, How: how, To: t.To, At: t.counts()}
}

// --- the clocks

func (s *Service) hear(ctx context.Context, m bus.Message) error {
	var e struct {
		Case int64  `json:"case"`
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return fmt.Errorf("%w: %s: %w", bus.ErrDrop, m.Subject, err)
	}
	if s.rules[e.Kind] == nil {
		return nil
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := respond.Find(tx, e.Case)
		if errors.Is(err, db.ErrNotFound) { // news of before the store was restored
			return fmt.Errorf("%w: %w", bus.ErrDrop, err)
		}
		if err != nil {
			return err
		}
		return s.follow(tx, c, c.OpenedAt, s.now())
	})
}

// begin starts the clocks of a case that the watch has just opened for a call at the time known.
func (s *Service) begin(tx *db.Tx, c *respond.Case, known, now time.Time) error {
	if s.rules[c.Kind] == nil {
		return nil
	}
	return s.follow(tx, c, known, now)
}

// follow brings the clocks of a case to where the case is. It changes nothing the second time.
func (s *Service) follow(tx *db.Tx, c *respond.Case, known, now time.Time) error {
	r := s.rules[c.Kind]
	grade, _ := c.Fields[r.Field].(string)
	i, err := getIncident(tx, c.ID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		i = Incident{Case: c.ID, Known: known, Since: known, Grade: grade}
	case err != nil:
		return err
	default:
		i.regrade(r, grade, now)
	}
	i.end(c.ClosedAt, c.Outcome, now)
	if err := putIncident(tx, c.Kind, i); err != nil {
		return err
	}
	return s.reconcile(tx, r, i, now)
}

// reconcile makes the running clocks those of the reports that are still to be told.
func (s *Service) reconcile(tx *db.Tx, r *Rules, i Incident, now time.Time) error {
	tellings, err := tellingsOf(tx, i.Case)
	if err != nil {
		return err
	}
	var told []Told
	for _, t := range tellings {
		told = append(told, t.told())
	}
	running, err := clocksOf(tx, i.Case, true)
	if err != nil {
		return err
	}
	there := map[string]*Clock{}
	for _, c := range running {
		there[c.key()] = c
	}
	for _, w := range r.wants(i, told) {
		before := r.before(w, running)
		if before != nil {
			w = w.goesOn(before, i)
		}
		c := there[w.key()]
		delete(there, w.key())
		switch {
		case c == nil:
			c = &Clock{Case: i.Case, Want: w, Grade: i.Grade, FirstDue: w.Due, State: "running"}
			if before != nil && !w.Due.After(now) {
				c.OverdueAt = before.OverdueAt // that it is late was told already
			}
			err = insertClock(tx, c)
		case c.Due.Equal(w.Due) && c.Grade == i.Grade:
			continue
		default:
			c.Started, c.Due, c.Grade = w.Started, w.Due, i.Grade
			if w.Due.After(now) {
				c.OverdueAt = time.Time{}
			}
			err = updateClock(tx, c)
		}
		if err != nil {
			return err
		}
		if c.OverdueAt.IsZero() {
			if err := timers.Set(tx, timers.Timer{Owner: timerOwner, ID: c.ID, Name: clockTimer, DueAt: c.Due}); err != nil {
				return err
			}
		}
	}
	for _, c := range there {
		c.State, c.EndedAt = "withdrawn", now
		if err := endClock(tx, c); err != nil {
			return err
		}
	}
	return nil
}

func endClock(tx *db.Tx, c *Clock) error {
	if err := timers.Drop(tx, timerOwner, c.ID, clockTimer); err != nil {
		return err
	}
	return updateClock(tx, c)
}

// clockPassed notes that a report is late, in the case's timeline, and tells of it.
func (s *Service) clockPassed(tx *db.Tx, id int64, now time.Time) error {
	c, err := getClock(tx, id)
	if err != nil {
		return err
	}
	if c.State != "running" || c.Due.After(now) || !c.OverdueAt.IsZero() {
		return nil
	}
	c.OverdueAt = now
	if err := updateClock(tx, c); err != nil {
		return err
	}
	what := stepWords(c.Report, c.How)
	e := respond.Entry{
		At: now, Actor: access.System("watch"), Kind: "overdue",
		Text: Text{En: "Report upward overdue: " + what.En + " to " + c.To.En, Zh: "信息报送超时：" + what.Zh + "（报" + c.To.Zh + "）"},
		Data: map[string]any{"clock": c.ID, "report": c.Report, "how": c.How, "due_at": c.Due},
	}
	if err := s.Cases.Enter(tx, c.Case, &e); err != nil {
		return err
	}
	area, err := respond.Find(tx, c.Case)
	if err != nil {
		return err
	}
	return outbox.Put(tx, events.WatchOverdue{What: "report", ID: c.ID, Report: c.Report, How: c.How, Case: c.Case, Area: area.Area, DueAt: c.Due, At: now})
}

// stepWords says what a report is and how it is told.
func stepWords(report, how string) Text {
	t := reportWords(report)
	if how == ByPhone {
		return Text{En: t.En + " by telephone", Zh: "电话" + t.Zh}
	}
	return Text{En: t.En + " in writing", Zh: "书面" + t.Zh}
}

func reportWords(report string) Text {
	switch report {
	case First:
		return Text{En: "first report", Zh: "初报"}
	case FollowUp:
		return Text{En: "follow-up report", Zh: "续报"}
	}
	return Text{En: "final report", Zh: "终报"}
}

// --- what people do

// StartRequest asks for a report upward.
type StartRequest struct {
	Case     int64  `json:"case"`
	Report   string `json:"report" enum:"first,follow-up,final"`
	Language string `json:"language,omitempty" enum:"en,zh-CN" default:"zh-CN" doc:"in which it is drafted"`
}

// Start makes a report with its first version, drafted from the case's facts.
func (s *Service) Start(ctx context.Context, r StartRequest, key string) (respond.Receipt, error) {
	who, err := s.upward(ctx, r.Case)
	if err != nil {
		return respond.Receipt{}, err
	}
	if r.Report != First && r.Report != FollowUp && r.Report != Final {
		return respond.Receipt{}, bad("watch.report", "report", "expected first, follow-up or final, got %q", r.Report)
	}
	d, err := s.facts(ctx, r.Case, r.Report)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.Cases.Once(ctx, key, []any{"report", r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		n, err := countReports(tx, r.Case, r.Report)
		if err != nil {
			return respond.Receipt{}, err
		}
		rep := Report{Case: r.Case, Kind: r.Report, Number: n + 1, At: now, By: actorName(who)}
		if err := insertReport(tx, &rep); err != nil {
			return respond.Receipt{}, err
		}
		d.number = rep.Number
		text := d.write(r.Language, now)
		if err := insertVersion(tx, rep.ID, Version{Version: 1, At: now, By: actorName(who), Text: text, Drafted: true}, who.ID); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Case: r.Case, Item: rep.ID}, s.reported(tx, who, rep, "start", map[string]any{"version": 1, "text_sha256": digest(text)}, now)
	})
}

// reported writes a deed on a report into the ledger and tells of it.
func (s *Service) reported(tx *db.Tx, who access.Actor, r Report, deed string, detail map[string]any, now time.Time) error {
	detail["deed"], detail["case"], detail["kind"], detail["number"] = deed, r.Case, r.Kind, r.Number
	return errors.Join(tell(tx, "report", r.ID, r.Case, who.Organisation, now), ledger.Append(tx, ledger.Entry{
		Action: "watch.write", Actor: actorName(who), ActorID: who.ID, Subject: "report-upward", SubjectID: r.ID, At: now, Detail: detail,
	}))
}

// upward asks whether the actor may report a case upward: he runs the watch of the desk that runs the case. That he takes part
// in it is not enough: the report is the city's word, and the parties were asked in to help.
func (s *Service) upward(ctx context.Context, caseID int64) (access.Actor, error) {
	if err := s.Cases.Decide(ctx, "case.note", caseID); err != nil {
		return access.From(ctx), err
	}
	return s.atDesk(ctx, caseID, func(c *respond.Case) error {
		if s.rules[c.Kind] == nil {
			return web.Errorf(http.StatusConflict, "watch.not_reported", "cases of the kind %s are not reported upward; no pack says to whom", c.Kind).At("case")
		}
		return nil
	})
}

// atDesk asks whether the actor runs the watch of the desk that runs a case, and holds the case against check.
func (s *Service) atDesk(ctx context.Context, caseID int64, check func(*respond.Case) error) (access.Actor, error) {
	who := access.From(ctx)
	var c *respond.Case
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = respond.Find(tx, caseID)
		return err
	})
	if err != nil {
		return who, unknown(err, "case", caseID)
	}
	if err := s.decide(ctx, "watch.write", caseID, c.Desk); err != nil {
		return who, err
	}
	return who, check(c)
}

// reportFor returns a report that the actor may work on.
func (s *Service) reportFor(ctx context.Context, id int64) (r Report, who access.Actor, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = getReport(tx, id)
		return err
	})
	if err != nil {
		return r, who, unknown(err, "report", id)
	}
	who, err = s.upward(ctx, r.Case)
	return r, who, err
}

// Amend adds a version to a report. The versions before it stay.
func (s *Service) Amend(ctx context.Context, id int64, text, key string) (respond.Receipt, error) {
	_, who, err := s.reportFor(ctx, id)
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := words(&text, "text", true, maxText); err != nil {
		return respond.Receipt{}, err
	}
	return s.Cases.Once(ctx, key, []any{"version", id, text}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		r, err := getReport(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		v := Version{Version: len(r.Versions) + 1, At: now, By: actorName(who), Text: text}
		if err := insertVersion(tx, id, v, who.ID); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Case: r.Case, Item: id}, s.reported(tx, who, r, "amend", map[string]any{"version": v.Version, "text_sha256": digest(text)}, now)
	})
}

// Sign signs the newest version of a report, which must be the one that the signer has read.
func (s *Service) Sign(ctx context.Context, id int64, version int, key string) (respond.Receipt, error) {
	_, who, err := s.reportFor(ctx, id)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.Cases.Once(ctx, key, []any{"sign", id, version}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		r, err := getReport(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		v, err := r.newest(version)
		if err != nil {
			return respond.Receipt{}, err
		}
		if !v.SignedAt.IsZero() {
			return respond.Receipt{}, web.Errorf(http.StatusConflict, "watch.signed", "version %d is signed already", version).At("version")
		}
		if err := signVersion(tx, id, version, who, now); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Case: r.Case, Item: id}, s.reported(tx, who, r, "sign", map[string]any{"version": version, "text_sha256": digest(v.Text)}, now)
	})
}

// newest returns a version that must be the newest.
func (r Report) newest(version int) (Version, error) {
	last := len(r.Versions)
	if version < 1 || version > last {
		return Version{}, bad("watch.version", "version", "the report has no version %d", version)
	}
	if version != last {
		return Version{}, web.Errorf(http.StatusConflict, "watch.newer_version", "there is a newer version, %d", last).At("version")
	}
	return r.Versions[last-1], nil
}

// TellRequest says that a report was told.
type TellRequest struct {
	Version int        `json:"version" doc:"the newest; 0: by word of mouth, before anything was written"`
	How     string     `json:"how" enum:"phone,fax,system"`
	To      string     `json:"to,omitempty" doc:"the office; of the clock when left out"`
	Clock   int64      `json:"clock,omitempty" doc:"the clock that it answers"`
	At      *time.Time `json:"at,omitempty" doc:"when; now when left out, never before the version was written"`
}

// Tell writes down that a version of a report was told to an office. In writing it must be signed.
func (s *Service) Tell(ctx context.Context, id int64, q TellRequest, key string) (respond.Receipt, error) {
	_, who, err := s.reportFor(ctx, id)
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := words(&q.To, "to", q.Clock == 0, 120); err != nil {
		return respond.Receipt{}, err
	}
	if q.How != ByPhone && q.How != Fax && q.How != System {
		return respond.Receipt{}, bad("watch.how", "how", "expected phone, fax or system, got %q", q.How)
	}
	return s.Cases.Once(ctx, key, []any{"tell", id, q}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		r, err := getReport(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Case: r.Case, Item: id}, s.tellUpward(tx, who, r, q, now)
	})
}

func (s *Service) tellUpward(tx *db.Tx, who access.Actor, r Report, q TellRequest, now time.Time) error {
	c, err := respond.Find(tx, r.Case)
	if err != nil {
		return err
	}
	i, err := getIncident(tx, r.Case)
	if err != nil {
		return err
	}
	// By telephone it may be told before anything is written; what was written is not told before it was, and in writing nothing
	// goes out before it is signed.
	earliest := i.Known
	var v Version
	if q.Version != 0 || q.How != ByPhone {
		if v, err = r.newest(q.Version); err != nil {
			return err
		}
		earliest = v.At
	}
	if q.How != ByPhone {
		if v.SignedAt.IsZero() {
			return web.Errorf(http.StatusConflict, "watch.unsigned", "version %d is not signed; only a signed report goes out in writing", q.Version).At("version")
		}
		earliest = v.SignedAt
	}
	at, err := when(q.At, now, earliest, "at")
	if err != nil {
		return err
	}
	rules := s.rules[c.Kind]
	t := Telling{Case: r.Case, Report: r.ID, kind: r.Kind, Version: q.Version, How: q.How, To: q.To, At: at, RecordedAt: now, ByID: who.ID, By: actorName(who)}
	running, err := clocksOf(tx, r.Case, true)
	if err != nil {
		return err
	}
	met, err := t.meets(rules, running, q.Clock)
	if err != nil {
		return err
	}
	to := Text{En: t.To, Zh: t.To}
	if o, known := rules.office(t.To); known {
		to = o.Title
	}
	if met != nil {
		t.Clock = met.ID
		if t.To == "" || called(t.To, met.To) {
			to = met.To
		}
	}
	t.To = to.En
	if err := insertTelling(tx, &t); err != nil {
		return err
	}
	if met != nil {
		met.State, met.EndedAt, met.Telling = "met", t.counts(), t.ID
		if err := endClock(tx, met); err != nil {
			return err
		}
	}
	if err := s.reconcile(tx, rules, i, now); err != nil {
		return err
	}
	what, version := reportWords(r.Kind), Text{En: fmt.Sprintf("version %d", t.Version), Zh: fmt.Sprintf("第%d稿", t.Version)}
	detail := map[string]any{"version": t.Version, "how": t.How, "to": t.To, "told_at": at.Format(time.RFC3339Nano), "clock": t.Clock}
	if t.Version == 0 {
		version = Text{En: "before it was written", Zh: "成文前"}
	} else {
		detail["text_sha256"] = digest(v.Text)
	}
	late := Text{}
	if t.recordedLate() {
		told := at.In(s.Zone).Format("01-02 15:04")
		late = Text{En: ", told at " + told + " and written down late", Zh: "（" + told + "报送，事后补登）"}
	}
	e := respond.Entry{At: now, Actor: who, Kind: "report",
		Text: Text{En: fmt.Sprintf("Told upward: %s %d, %s, by %s to %s%s", what.En, r.Number, version.En, howWords(t.How).En, to.En, late.En),
			Zh: fmt.Sprintf("信息上报：%s（第%d期，%s），%s报送%s%s", what.Zh, r.Number, version.Zh, howWords(t.How).Zh, to.Zh, late.Zh)},
		Data: map[string]any{"report": r.ID, "version": t.Version, "how": t.How, "told_at": at, "clock": t.Clock}}
	if err := s.Cases.Enter(tx, r.Case, &e); err != nil {
		return err
	}
	return s.reported(tx, who, r, "tell", detail, now)
}

// meets is the running clock that a telling answers: the one asked for, or the one of the same report, way and office; else of an
// office that the one told covers.
func (t Telling) meets(r *Rules, running []*Clock, clock int64) (*Clock, error) {
	var covered *Clock
	for _, c := range running {
		fits := c.Report == t.kind && c.How == t.told().How
		switch {
		case clock == c.ID && !fits:
			what := stepWords(c.Report, c.How)
			return nil, bad("watch.clock", "clock", "this clock asks for a %s; a %s by %s does not answer it", what.En, reportWords(t.kind).En, howWords(t.How).En)
		case clock == c.ID && t.To != "" && !r.reaches(t.To, c.To):
			return nil, bad("watch.clock", "to", "this clock asks for a report to %s; %s is another office", c.To.En, t.To)
		case clock == c.ID, clock == 0 && fits && called(t.To, c.To):
			return c, nil
		case clock == 0 && fits && covered == nil && r.reaches(t.To, c.To):
			covered = c
		}
	}
	if clock != 0 {
		return nil, web.Errorf(http.StatusConflict, "watch.clock", "the clock %d does not run in this case", clock).At("clock")
	}
	return covered, nil
}

func howWords(how string) Text {
	switch how {
	case ByPhone:
		return Text{En: "telephone", Zh: "电话"}
	case Fax:
		return Text{En: "fax", Zh: "传真"}
	}
	return Text{En: "system", Zh: "系统"}
}

// --- reading

// ClockView is a report that has to be told, as people see it.
type ClockView struct {
	ID      int64      `json:"id"`
	Case    int64      `json:"case"`
	Title   any        `json:"title" doc:"the case's; {en, zh-CN}, or a person's own words"`
	Report  string     `json:"report" enum:"first,follow-up,final"`
	How     string     `json:"how" enum:"phone,writing"`
	To      Text       `json:"to"`
	Source  string     `json:"source" doc:"the rule that it follows"`
	Basis   string     `json:"basis" enum:"rule,working"`
	Grade   string     `json:"grade,omitempty"`
	Started time.Time  `json:"started_at"`
	DueAt   time.Time  `json:"due_at"`
	State   string     `json:"state" enum:"running,met,withdrawn"`
	Overdue bool       `json:"overdue" doc:"it runs and is late, or was met late"`
	EndedAt *time.Time `json:"ended_at"`
}

// VersionView is a version as people see it.
type VersionView struct {
	Version
	SignedAt *time.Time `json:"signed_at"`
}

// TellingView is whom a version was told.
type TellingView struct {
	ID         int64     `json:"id"`
	Version    int       `json:"version" doc:"0: by word of mouth, before anything was written"`
	How        string    `json:"how" enum:"phone,fax,system"`
	To         string    `json:"to"`
	ToName     *Text     `json:"to_name,omitempty" doc:"its name in both languages, where it is an office of the rules"`
	Clock      int64     `json:"clock,omitempty" doc:"the clock that it met"`
	At         time.Time `json:"at"`
	RecordedAt time.Time `json:"recorded_at"`
	Late       bool      `json:"recorded_late" doc:"written down long after; it counts from then"`
	By         string    `json:"by"`
}

// ReportView is a report as people see it. In lists only the newest version is there.
type ReportView struct {
	ID       int64         `json:"id"`
	Case     int64         `json:"case"`
	Title    any           `json:"title" doc:"the case's; {en, zh-CN}, or a person's own words"`
	Report   string        `json:"report" enum:"first,follow-up,final"`
	Number   int           `json:"number" doc:"of its kind in the case, from 1"`
	At       time.Time     `json:"at"`
	By       string        `json:"by"`
	Versions []VersionView `json:"versions" doc:"the oldest first; in lists only the newest"`
	Tellings []TellingView `json:"tellings"`
}

// UpwardPage is what is to be told, the most urgent first, and what was, the newest first.
type UpwardPage struct {
	Clocks  []ClockView  `json:"clocks"`
	Reports []ReportView `json:"reports"`
}

// maxReports bounds how many reports a list shows.
const maxReports = 200

// Reports returns the clocks and reports of the cases that the actor sees: of one case all of them, of all cases (0) the running
// clocks and the newest reports.
func (s *Service) Reports(ctx context.Context, caseID int64) (*UpwardPage, error) {
	if _, err := s.mine(ctx, "watch.log"); err != nil {
		return nil, err
	}
	out := &UpwardPage{Clocks: []ClockView{}, Reports: []ReportView{}}
	now := s.now()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		var clocks []*Clock
		var reports []Report
		var err error
		if caseID != 0 {
			clocks, err = clocksOf(tx, caseID, false)
		} else {
			clocks, err = runningClocks(tx)
		}
		if err != nil {
			return err
		}
		if reports, err = listReports(tx, caseID, maxReports); err != nil {
			return err
		}
		cases := map[int64]*respond.Case{}
		of := func(id int64) (*respond.Case, error) {
			if c, asked := cases[id]; asked {
				return c, nil
			}
			c, err := respond.Find(tx, id)
			if err != nil {
				return nil, err
			}
			if c.Private || !s.Cases.Sees(ctx, c) {
				c = nil
			}
			cases[id] = c
			return c, nil
		}
		for _, k := range clocks {
			c, err := of(k.Case)
			if err != nil {
				return err
			}
			if c != nil {
				out.Clocks = append(out.Clocks, k.view(c, now))
			}
		}
		for _, r := range reports {
			c, err := of(r.Case)
			if err != nil {
				return err
			}
			if c != nil {
				out.Reports = append(out.Reports, r.view(c, s.rules[c.Kind], false))
			}
		}
		return nil
	})
	return out, err
}

// ReportPage returns one report with all its versions.
func (s *Service) ReportPage(ctx context.Context, id int64) (*ReportView, error) {
	if _, err := s.mine(ctx, "watch.log"); err != nil {
		return nil, err
	}
	var r Report
	var c *respond.Case
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if r, err = getReport(tx, id); err == nil {
			c, err = respond.Find(tx, r.Case)
		}
		return err
	})
	if err != nil {
		return nil, unknown(err, "report", id)
	}
	if err := s.Cases.Decide(ctx, "case.read", r.Case); err != nil {
		return nil, err
	}
	v := r.view(c, s.rules[c.Kind], true)
	return &v, nil
}

// caseTitle is what lists call a case in the watch: its own words, or nothing, where the console names its asset.
func caseTitle(c *respond.Case) any { return guard.Mask(c.Title) }

func (k *Clock) view(c *respond.Case, now time.Time) ClockView {
	end := k.EndedAt
	if k.State == "running" {
		end = now
	}
	return ClockView{
		ID: k.ID, Case: k.Case, Title: caseTitle(c), Report: k.Report, How: k.How, To: k.To, Source: k.Source, Basis: k.Basis, Grade: k.Grade,
		Started: k.Started, DueAt: k.Due, State: k.State, Overdue: k.State != "withdrawn" && end.After(k.Due), EndedAt: optional(k.EndedAt),
	}
}

func (r Report) view(c *respond.Case, rules *Rules, whole bool) ReportView {
	v := ReportView{ID: r.ID, Case: r.Case, Title: caseTitle(c), Report: r.Kind, Number: r.Number, At: r.At, By: r.By, Versions: []VersionView{}, Tellings: []TellingView{}}
	for i, x := range r.Versions {
		if whole || i == len(r.Versions)-1 {
			x.Text = guard.Mask(x.Text)
			v.Versions = append(v.Versions, VersionView{x, optional(x.SignedAt)})
		}
	}
	for _, t := range r.Tellings {
		told := TellingView{ID: t.ID, Version: t.Version, How: t.How, To: t.To, Clock: t.Clock, At: t.At, RecordedAt: t.RecordedAt, Late: t.recordedLate(), By: t.By}
		if rules != nil {
			if o, known := rules.office(t.To); known {
				told.ToName = &o.Title
			}
		}
		v.Tellings = append(v.Tellings, told)
	}
	return v
}
