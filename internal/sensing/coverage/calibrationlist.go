package coverage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxImport is the largest list of calibrations in bytes, and maxImportRows how many it may hold: one transaction takes them.
const (
	maxImport     = 8 << 20
	maxImportRows = 20_000
)

// Calibrations are the newest of each asset and datastream, those that are due first: all, or only Overdue or DueSoon. It also
// gives the text to go on after; "" at the end.
func (s *Service) Calibrations(ctx context.Context, due Due, after string, limit int) ([]Calibration, string, error) {
	if err := s.mayLook(ctx); err != nil {
		return nil, "", err
	}
	from, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	today := s.day(db.Micros(s.Clock.Now()))
	all := []Calibration{}
	s.mu.RLock()
	for _, c := range s.calibrations {
		c := *c
		c.Due = dueAt(c.dueDay, today)
		if (due == "" || c.Due == due) && (cursor{c.dueDay, c.ID}).behind(from) {
			all = append(all, c)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b Calibration) int { return cmp.Or(cmp.Compare(a.dueDay, b.dueDay), cmp.Compare(a.ID, b.ID)) })
	if len(all) <= limit {
		return all, "", nil
	}
	last := all[limit-1]
	return all[:limit], cursor{last.dueDay, last.ID}.String(), nil
}

// importColumns are the columns of a list of calibrations, with the headers that Chinese lists have.
var importColumns = map[string]string{
	"asset": "asset", "设施编号": "asset", "datastream": "datastream", "监测数据编号": "datastream",
	"certificate": "certificate", "证书编号": "certificate", "calibrated_on": "calibrated_on", "检定日期": "calibrated_on",
	"due_on": "due_on", "有效期至": "due_on",
}

// ImportCalibrations records the lines of a CSV file: asset or datastream by its external id, certificate, calibrated_on,
// due_on. All lines are taken or none; what is wrong comes with line and column.
func (s *Service) ImportCalibrations(ctx context.Context, file []byte) (n int, err error) {
	now, who := s.Clock.Now(), access.From(ctx)
	if err := s.Access.Decide(ctx, "city.change", access.Resource{Type: "asset"}, access.Maintenance); err != nil {
		return 0, err
	}
	table, problems := tabular.Read(tabular.CSV, file, tabular.Options{})
	at := map[string]int{}
	for i, c := range table.Columns {
		name, ok := importColumns[strings.ToLower(c.Name)]
		if !ok {
			problems = append(problems, tabular.Problem{Line: c.Line, Column: c.Column, Field: c.Name, Message: "unknown column; there are asset, datastream, certificate, calibrated_on, due_on"})
			continue
		}
		at[name] = i
	}
	if len(table.Rows) > maxImportRows {
		problems = append(problems, tabular.Problem{Line: table.Rows[maxImportRows].Line, Message: fmt.Sprintf("at most %d calibrations come at once", maxImportRows)})
	}
	if len(problems) > 0 {
		return 0, refusal(problems)
	}
	var all []Calibration
	for _, row := range table.Rows {
		c, bad, cell := s.importRow(ctx, at, row, s.day(db.Micros(now)))
		if bad != nil {
			problems = append(problems, tabular.Problem{Line: row.Line, Column: cell, Field: bad.Field, Message: bad.Message})
			continue
		}
		c.By, c.byID, c.CreatedAt = who.Name, who.ID, now.Truncate(time.Microsecond)
		all = append(all, c)
	}
	switch {
	case len(problems) > 0:
		return 0, refusal(problems)
	case len(all) == 0:
		return 0, refusal([]tabular.Problem{{Line: 2, Message: "the list is empty"}})
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		for i := range all {
			if _, err := insertCalibration(tx, &all[i], ""); err != nil {
				return err
			}
		}
		sum := sha256.Sum256(file)
		return ledger.Append(tx, ledger.Entry{
			Action: "calibration.import", Actor: who.Name, ActorID: who.ID, Subject: "calibration", At: now,
			Detail: map[string]any{"count": len(all), "sha256": hex.EncodeToString(sum[:])},
		})
	})
	if err != nil {
		return 0, err
	}
	s.rememberCalibrations(all)
	return len(all), nil
}

// importRow is one line of the list, or what is wrong with it and in which column.
func (s *Service) importRow(ctx context.Context, at map[string]int, row tabular.Row, today int) (c Calibration, bad *web.Error, column int) {
	get := func(name string) string {
		if i, ok := at[name]; ok && i < len(row.Cells) {
			return row.Cells[i].Text
		}
		return ""
	}
	place := func(name string) int {
		if i, ok := at[name]; ok && i < len(row.Cells) {
			return row.Cells[i].Column
		}
		return 1
	}
	unknown := func(field, value string) (Calibration, *web.Error, int) {
		return c, web.Errorf(http.StatusUnprocessableEntity, "coverage.unknown_"+field, "there is no %s with the external id %q", field, short(value)).At(field), place(field)
	}
	d := CalibrationDraft{Certificate: get("certificate"), CalibratedOn: get("calibrated_on"), DueOn: get("due_on")}
	if key := get("asset"); key != "" {
		var ok bool
		if d.Asset, ok = s.Register.AssetByKey(key); !ok {
			return unknown("asset", key)
		}
	}
	if key := get("datastream"); key != "" {
		of, ok := s.Streams.LookupExternal(key)
		if !ok {
			return unknown("datastream", key)
		}
		d.Datastream = of.ID
	}
	if c, bad = d.check(today); bad != nil {
		return c, bad, place(bad.Field)
	}
	r, err := s.instrument(c)
	if err == nil {
		err = s.Access.Decide(ctx, "city.change", r, access.Maintenance)
	}
	if err != nil && !errors.As(err, &bad) {
		bad = web.Errorf(http.StatusInternalServerError, "internal", "this line could not be checked")
		slog.ErrorContext(ctx, "line of a list of calibrations not checked", "err", err)
	}
	return c, bad, place("asset")
}

func refusal(problems []tabular.Problem) error {
	first := problems[0]
	e := web.Errorf(http.StatusUnprocessableEntity, "coverage.import_refused", "nothing was recorded; line %d: %s", first.Line, first.Message)
	e.Field, e.Line, e.Column = first.Field, first.Line, first.Column
	for _, p := range problems {
		e.Errors = append(e.Errors, web.Detail{Message: p.Message, Field: p.Field, Line: p.Line, Column: p.Column})
	}
	return e
}

func (s *Service) postImport(w http.ResponseWriter, r *http.Request) {
	file, err := io.ReadAll(r.Body)
	n := 0
	if err == nil {
		n, err = s.ImportCalibrations(r.Context(), file)
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]int{"recorded": n}); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}
