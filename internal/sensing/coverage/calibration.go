package coverage

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxCertificate is the longest reference of a certificate, in characters.
const maxCertificate = 200

// dateForm is how a day is written.
const dateForm = "2006-01-02"

// Calibration says until when an instrument's readings can be believed: of an asset, or of one of its datastreams.
type Calibration struct {
	ID           int64     `json:"id"`
	Asset        int64     `json:"asset,omitempty"`
	Datastream   int64     `json:"datastream,omitempty"`
	Certificate  string    `json:"certificate"`
	CalibratedOn string    `json:"calibrated_on,omitempty" doc:"YYYY-MM-DD"`
	DueOn        string    `json:"due_on" doc:"YYYY-MM-DD, the last day on which it counts, in the city's time zone"`
	Due          Due       `json:"due" enum:"ok,soon,overdue"`
	By           string    `json:"by" doc:"who recorded it"`
	CreatedAt    time.Time `json:"created_at"`

	byID   int64
	dueDay int
}

// CalibrationDraft is a calibration as it is recorded.
type CalibrationDraft struct {
	Asset        int64  `json:"asset,omitempty" doc:"either this"`
	Datastream   int64  `json:"datastream,omitempty" doc:"or this"`
	Certificate  string `json:"certificate" doc:"the certificate's number or where it is kept"`
	CalibratedOn string `json:"calibrated_on,omitempty" doc:"YYYY-MM-DD"`
	DueOn        string `json:"due_on" doc:"YYYY-MM-DD"`
}

// check completes a draft. today is a day as dayOf counts.
func (d CalibrationDraft) check(today int) (Calibration, *web.Error) {
	bad := func(field, code, format string, args ...any) (Calibration, *web.Error) {
		return Calibration{}, web.Errorf(http.StatusUnprocessableEntity, "coverage."+code, format, args...).At(field)
	}
	c := Calibration{Asset: d.Asset, Datastream: d.Datastream, Certificate: strings.TrimSpace(d.Certificate), CalibratedOn: strings.TrimSpace(d.CalibratedOn), DueOn: strings.TrimSpace(d.DueOn)}
	if (c.Asset == 0) == (c.Datastream == 0) {
		return bad("asset", "one_subject", "expected either an asset or a datastream")
	}
	if c.Certificate == "" || utf8.RuneCountInString(c.Certificate) > maxCertificate || !utf8.ValidString(c.Certificate) || strings.ContainsRune(c.Certificate, 0) {
		return bad("certificate", "bad_certificate", "expected the reference of a certificate, at most %d characters", maxCertificate)
	}
	if m, found := guard.Value(c.Certificate); found {
		return bad("certificate", "personal", "this looks like a person's %s; give the certificate's own number", m.Kind)
	}
	var ok bool
	if c.dueDay, ok = dayOf(c.DueOn); !ok {
		return bad("due_on", "bad_date", "expected a date such as 2027-11-28, got %q", short(c.DueOn))
	}
	if c.CalibratedOn == "" {
		return c, nil
	}
	switch on, ok := dayOf(c.CalibratedOn); {
	case !ok:
		return bad("calibrated_on", "bad_date", "expected a date such as 2026-11-28, got %q", short(c.CalibratedOn))
	case on > today:
		return bad("calibrated_on", "bad_date", "%s has not come yet", c.CalibratedOn)
	case on >= c.dueDay:
		return bad("due_on", "bad_date", "it is due on %s, before or when it was calibrated", c.DueOn)
	}
	return c, nil
}

// dayOf counts days since 1970 for a date between 1970 and 2199.
func dayOf(s string) (int, bool) {
	t, err := time.Parse(dateForm, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2199 {
		return 0, false
	}
	return int(t.Unix() / 86_400), true
}

func dateOf(day int) string { return time.Unix(int64(day)*86_400, 0).UTC().Format(dateForm) }

// day is the city's day at a time in microseconds.
func (s *Service) day(now int64) int {
	y, m, d := db.Time(now).In(s.zone.Load()).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

// Calibrate records a calibration. Those who may change the register may: a certificate is a fact about an asset of it.
// request is the sender's idempotency key.
func (s *Service) Calibrate(ctx context.Context, d CalibrationDraft, request string) (Calibration, error) {
	now, who := s.Clock.Now(), access.From(ctx)
	today := s.day(db.Micros(now))
	c, bad := d.check(today)
	if bad != nil {
		return Calibration{}, bad
	}
	r, err := s.instrument(c)
	if err != nil {
		return Calibration{}, err
	}
	if err := s.Access.Decide(ctx, "city.change", r, access.Maintenance); err != nil {
		return Calibration{}, err
	}
	c.By, c.byID, c.CreatedAt = who.Name, who.ID, now.Truncate(time.Microsecond)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		added, err := insertCalibration(tx, &c, request)
		if err != nil || !added {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "calibration.record", Actor: who.Name, ActorID: who.ID, Subject: "calibration", SubjectID: c.ID, At: now,
			Detail: map[string]any{"asset": c.Asset, "datastream": c.Datastream, "certificate": c.Certificate, "calibrated_on": c.CalibratedOn, "due_on": c.DueOn},
		})
	})
	if err != nil {
		return Calibration{}, err
	}
	s.rememberCalibrations([]Calibration{c})
	c.Due = dueAt(c.dueDay, today)
	return c, nil
}

// instrument is whose calibration it is, as access sees it: a datastream lies where its asset lies.
func (s *Service) instrument(c Calibration) (access.Resource, error) {
	asset := c.Asset
	if c.Datastream != 0 {
		d, ok := s.Streams.Lookup(c.Datastream)
		if !ok {
			return access.Resource{}, web.Errorf(http.StatusUnprocessableEntity, "coverage.unknown_datastream", "there is no datastream %d", c.Datastream).At("datastream")
		}
		if asset = d.Asset; asset == 0 { // of no asset of the register: the city's own
			return access.Resource{Type: "datastream", ID: c.Datastream}, nil
		}
	}
	return s.subjectOf(asset, 0)
}

// rememberCalibrations puts the newest calibrations of their subjects into memory.
func (s *Service) rememberCalibrations(cs []Calibration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range cs {
		at := subject{asset: c.Asset, datastream: c.Datastream}
		if old := s.calibrations[at]; old == nil || old.ID <= c.ID {
			s.calibrations[at] = &c
		}
	}
	s.changed++
}
