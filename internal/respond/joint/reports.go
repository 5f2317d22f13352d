package joint

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// ReportRequest asks for a report of the timeline as it is now.
type ReportRequest struct {
	Post  string     `json:"post" doc:"the post that reports"`
	Form  string     `json:"form" enum:"ics-201,ics-209,ics-214,zhuanbao"`
	Since *time.Time `json:"since,omitempty" doc:"the period is the entries since this time; left out: those after the last issue of the form by the same organisation, for a first one all"`
	// Agency is the organisation whose log an ICS-214 is.
	Agency int64 `json:"agency,omitempty"`
	// To and Copy are whom a 专报 goes to; left out, the page has lines to fill in by hand.
	To   string `json:"to,omitempty" doc:"主送"`
	Copy string `json:"copy,omitempty" doc:"抄送"`
}

// ReportView is a report without its body.
type ReportView struct {
	ID           int64     `json:"id"`
	Form         string    `json:"form"`
	Agency       int64     `json:"agency,omitempty"`
	Version      int       `json:"version"`
	SHA256       string    `json:"sha256"`
	First        int64     `json:"first_entry"`
	Last         int64     `json:"last_entry"`
	Since        time.Time `json:"since"`
	Until        time.Time `json:"until"`
	At           time.Time `json:"at"`
	By           string    `json:"by"`
	Organisation int64     `json:"organisation"`
	Post         string    `json:"post"`
	Signed       int       `json:"signed" doc:"by how many accounts"`
}

// ReportPage is a report with what people added.
type ReportPage struct {
	ReportView
	Body    *sitrep.Report `json:"body"`
	Remarks []RemarkView   `json:"remarks"`
	// Intact says that the body still has the hash that the ledger holds.
	Intact bool `json:"intact"`
}

// Signers are the remarks by which a report was signed.
func (p *ReportPage) Signers() (out []RemarkView) {
	for _, r := range p.Remarks {
		if r.Signed {
			out = append(out, r)
		}
	}
	return out
}

// RemarkView is what a person added to a report, or a signature.
type RemarkView struct {
	ID           int64     `json:"id"`
	At           time.Time `json:"at"`
	By           string    `json:"by"`
	Organisation int64     `json:"organisation"`
	Post         string    `json:"post"`
	Text         string    `json:"text,omitempty"`
	Signed       bool      `json:"signed"`
}

// errVersion says that another report of the form was made at the same moment.
var errVersion = errors.New("this version was made meanwhile")

// Report makes a report of the timeline and keeps it under the next version of its form.
func (s *Service) Report(ctx context.Context, caseID int64, r ReportRequest, key string) (respond.Receipt, error) {
	if err := oneOf(r.Form, "form", sitrep.Forms()); err != nil {
		return respond.Receipt{}, err
	}
	if r.Form != sitrep.Activity {
		r.Agency = 0
	} else if r.Agency != 0 {
		if err := s.knownOrganisation(ctx, r.Agency); err != nil {
			return respond.Receipt{}, err
		}
	}
	var err1, err2 error
	r.To, err1 = text(r.To, "to", maxLabel, false)
	r.Copy, err2 = text(r.Copy, "copy", maxLabel, false)
	if err := errors.Join(err1, err2); err != nil {
		return respond.Receipt{}, first(err)
	}
	if r.Since != nil && r.Since.After(s.Cases.Clock.Now()) {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "room.since", "the period can't begin after now").At("since")
	}
	// The room begins before its first report, so that the report holds what was known by then.
	opening, err := s.opening(ctx, caseID)
	if err != nil {
		return respond.Receipt{}, err
	}
	if opening != nil {
		_, err := s.carry(ctx, caseID, deed{action: "room.report", post: r.Post, needsPost: true, afterwards: true,
			do: func(*db.Tx, *respond.Case, hand, time.Time) (respond.Receipt, error) { return respond.Receipt{}, nil }})
		if err != nil {
			return respond.Receipt{}, err
		}
	}
	if err := s.Cases.Decide(ctx, "room.report", caseID); err != nil {
		return respond.Receipt{}, err
	}
	// The timeline is read, and the report written, before the transaction: a long one would hold up everybody's.
	for {
		made, err := s.write(ctx, caseID, r)
		if err != nil {
			return respond.Receipt{}, err
		}
		receipt, err := s.keep(ctx, caseID, r, made, key)
		if !errors.Is(err, errVersion) {
			return receipt, err
		}
	}
}

// write makes the next version of a report of the timeline as it is at this moment.
func (s *Service) write(ctx context.Context, caseID int64, r ReportRequest) (*sitrep.Report, error) {
	head, c, err := s.Cases.Head(ctx, caseID)
	if err != nil {
		return nil, err
	}
	o := sitrep.Options{
		Form: r.Form, Case: caseID, Kind: c.Kind, Agency: r.Agency, Since: c.OpenedAt, Until: s.Cases.Clock.Now().UTC().Truncate(time.Microsecond), Zone: s.Zone,
		Subject: subject(head, c), From: s.from(ctx),
		To: r.To, Copy: r.Copy,
		Organisations: s.names(ctx), Posts: s.Posts,
	}
	if r.Form == sitrep.Activity {
		o.From = s.orgName(ctx, r.Agency)
	}
	var entries []respond.Entry
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		before, err := lastIssue(tx, caseID, r.Form, author(ctx, r))
		if err != nil {
			return err
		}
		if o.Version = before.version + 1; before.version > 0 && (r.Form == sitrep.Summary || r.Form == sitrep.Special) {
			o.Since, o.After = before.until, before.last
		}
		entries, err = respond.Timeline(tx, caseID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r.Since != nil {
		o.Since, o.After, o.ByTime = r.Since.UTC(), 0, true
	}
	return sitrep.Make(o, entries)
}

// subject is what the incident is called: as a person named it, else the thing or place that it is about with what has happened.
func subject(head respond.CaseView, c *respond.Case) lifecycle.Text {
	name := lifecycle.Words(titleIn(head.Title, "en"), titleIn(head.Title, "zh"))
	if c.Title == "" && name != head.KindTitle {
		name = lifecycle.Words(head.KindTitle.En+", "+name.En, name.Zh+strings.TrimSuffix(head.KindTitle.Zh, "处置"))
	}
	return name
}

// author is whose issues a report is one of: an activity log is of an agency, any other form of the organisation that reports.
func author(ctx context.Context, r ReportRequest) int64 {
	if r.Form == sitrep.Activity {
		return r.Agency
	}
	return access.From(ctx).Organisation
}

// from is the unit that reports: the actor's, and for the city's own accounts the city's watch.
func (s *Service) from(ctx context.Context) lifecycle.Text {
	if org := access.From(ctx).Organisation; org != 0 {
		return s.orgName(ctx, org)
	}
	return sitrep.CityWatchOf(s.City)
}

// names asks the register for each name once.
func (s *Service) names(ctx context.Context) func(int64) lifecycle.Text {
	known := map[int64]lifecycle.Text{}
	return func(id int64) lifecycle.Text {
		n, ok := known[id]
		if !ok {
			n = s.orgName(ctx, id)
			known[id] = n
		}
		return n
	}
}

func (s *Service) keep(ctx context.Context, caseID int64, r ReportRequest, made *sitrep.Report, key string) (respond.Receipt, error) {
	body, sum, err := made.Seal()
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.report", post: r.Post, needsPost: true, afterwards: true, key: key, request: r,
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			before, err := lastIssue(tx, caseID, made.Form, author(ctx, r))
			if err != nil {
				return respond.Receipt{}, err
			}
			if before.version+1 != made.Version {
				return respond.Receipt{}, errVersion
			}
			id, err := insertReport(tx, made, author(ctx, r), string(body), sum, by, now)
			if err != nil {
				return respond.Receipt{}, err
			}
			e := respond.Entry{Kind: sitrep.KindReport, Text: lifecycle.Words(
				fmt.Sprintf("Report made by %s: %s, version %d", by.name.En, made.Title.En, made.Version),
				fmt.Sprintf("%s编报%s第%d期", by.name.Zh, made.Title.Zh, made.Version)),
				Data: map[string]any{"report": id, "form": made.Form, "version": made.Version, "sha256": sum, "step": "make"}}
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, ledger.Append(tx, ledger.Entry{
				Action: "report.made", Actor: by.Name, ActorID: by.ID, Subject: "case", SubjectID: caseID, At: now,
				Detail: map[string]any{
					"report": id, "form": made.Form, "version": made.Version, "body_sha256": sum,
					"first_entry": made.First, "last_entry": made.Last, "entries": made.Entries, "after_entry": made.After,
				},
			})
		}})
}

// RemarkRequest adds to a report, or signs it.
type RemarkRequest struct {
	Post string `json:"post" doc:"the post that says or signs it"`
	Text string `json:"text,omitempty"`
	Sign bool   `json:"sign,omitempty"`
}

// Remark adds a person's words to a report, or a signature. The generated part stays as it is.
func (s *Service) Remark(ctx context.Context, caseID, report int64, r RemarkRequest, key string) (respond.Receipt, error) {
	words, err := text(r.Text, "text", maxWords, !r.Sign)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.report", post: r.Post, needsPost: true, afterwards: true, key: key, request: []any{report, r},
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			v, _, err := findReport(tx, caseID, report)
			if err != nil {
				return respond.Receipt{}, err
			}
			id, err := insertRemark(tx, report, by, words, r.Sign, now)
			if err != nil {
				return respond.Receipt{}, err
			}
			title, step := lifecycle.Words("Remark of "+by.name.En+" on a report", by.name.Zh+"对报告的补充说明"), "remark"
			if r.Sign {
				title, step = lifecycle.Words("Report signed by "+by.name.En, by.name.Zh+"签发报告"), "sign"
			}
			e := respond.Entry{Kind: sitrep.KindReport, Free: words, Text: title,
				Data: map[string]any{"report": report, "form": v.Form, "version": v.Version, "step": step, "sha256": v.SHA256}}
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, nil
		}})
}

// Read returns a report of a case as its readers may see it.
func (s *Service) Read(ctx context.Context, caseID, report int64) (*ReportPage, error) {
	if err := s.Cases.Decide(ctx, "case.read", caseID); err != nil {
		return nil, err
	}
	p := &ReportPage{Body: &sitrep.Report{}}
	var body string
	err := s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if p.ReportView, body, err = findReport(tx, caseID, report); err != nil {
			return err
		}
		p.Remarks, err = remarks(tx, report)
		return err
	})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(body))
	p.Intact = hex.EncodeToString(sum[:]) == p.SHA256
	return p, json.Unmarshal([]byte(body), p.Body)
}

// --- store

// issue is where an issue of a form and an author ends.
type issue struct {
	version int
	last    int64 // entry
	until   time.Time
}

// lastIssue is the newest; version 0 before the first.
func lastIssue(tx *db.Tx, caseID int64, form string, author int64) (i issue, err error) {
	var until int64
	err = tx.QueryRow(`select version, last_entry, until_at from room_reports where case_id = $1 and form = $2 and agency = $3
		order by version desc nulls last, id limit 1`, caseID, form, author).Scan(&i.version, &i.last, &until)
	if errors.Is(err, db.ErrNotFound) {
		return issue{}, nil
	}
	i.until = db.Time(until)
	return i, err
}

func insertReport(tx *db.Tx, r *sitrep.Report, author int64, body, sum string, by hand, now time.Time) (id int64, err error) {
	err = tx.QueryRow(`insert into room_reports (case_id, form, agency, version, body, sha256, first_entry, last_entry, since_at, until_at,
		made_at, made_by, organisation, post) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`,
		r.Case, r.Form, author, r.Version, body, sum, r.First, r.Last, db.Micros(r.Since), db.Micros(r.Until), db.Micros(now), by.Name,
		by.Organisation, by.post).Scan(&id)
	return id, err
}

func insertRemark(tx *db.Tx, report int64, by hand, words string, signed bool, now time.Time) (id int64, err error) {
	sign := 0
	if signed {
		sign = 1
	}
	err = tx.QueryRow(`insert into room_remarks (report, at, by_id, by_name, organisation, post, words, signed)
		values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (report, by_id) where signed = 1 and by_id <> 0 do nothing returning id`,
		report, db.Micros(now), by.ID, by.Name, by.Organisation, by.post, words, sign).Scan(&id)
	if errors.Is(err, db.ErrNotFound) {
		err = lifecycle.Refuse("room.signed", "", "You have signed this report already: one account signs once.", "您已签发本期报告，同一账号不重复签发。")
	}
	return id, err
}

const reportColumns = `r.id, r.form, r.agency, r.version, r.sha256, r.first_entry, r.last_entry, r.since_at, r.until_at, r.made_at, r.made_by,
	r.organisation, r.post, (select count(distinct m.by_name) from room_remarks m where m.report = r.id and m.signed = 1)`

func scanReport(row interface{ Scan(...any) error }, more ...any) (ReportView, error) {
	var v ReportView
	var since, until, at int64
	err := row.Scan(append([]any{&v.ID, &v.Form, &v.Agency, &v.Version, &v.SHA256, &v.First, &v.Last, &since, &until, &at, &v.By,
		&v.Organisation, &v.Post, &v.Signed}, more...)...)
	if v.Form != sitrep.Activity {
		v.Agency = 0
	}
	v.Since, v.Until, v.At = db.Time(since), db.Time(until), db.Time(at)
	return v, err
}

func reports(tx *db.Tx, caseID int64) ([]ReportView, error) {
	out := []ReportView{}
	err := tx.Each(func(rows *sql.Rows) error {
		v, err := scanReport(rows)
		out = append(out, v)
		return err
	}, `select `+reportColumns+` from room_reports r where r.case_id = $1 order by r.id nulls last`, caseID)
	return out, err
}

func findReport(tx *db.Tx, caseID, id int64) (ReportView, string, error) {
	var body string
	v, err := scanReport(tx.QueryRow(`select `+reportColumns+`, r.body from room_reports r where r.case_id = $1 and r.id = $2`, caseID, id), &body)
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusNotFound, "room.no_report", "case %d has no report %d", caseID, id)
	}
	return v, body, err
}

func remarks(tx *db.Tx, report int64) ([]RemarkView, error) {
	out := []RemarkView{}
	err := tx.Each(func(rows *sql.Rows) error {
		var v RemarkView
		var at, signed int64
		err := rows.Scan(&v.ID, &at, &v.By, &v.Organisation, &v.Post, &v.Text, &signed)
		v.At, v.Signed = db.Time(at), signed == 1
		out = append(out, v)
		return err
	}, `select id, at, by_name, organisation, post, words, signed from room_remarks where report = $1 order by id nulls last`, report)
	return out, err
}
