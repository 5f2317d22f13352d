package sensing

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// maxProblems bounds how many things that are wrong with a file are listed.
	maxProblems = 100

	// maxRows bounds the readings of one file, and with it the memory that it costs; the body's size alone would not.
	maxRows = 1_000_000
)

// postCSV takes a bulk of readings as text/csv with the header datastream,at,value and the source as a query parameter. A
// file that can't be read as a whole is refused as a whole; a reading that can't be taken is told in the receipt.
func (s *Service) postCSV(w http.ResponseWriter, r *http.Request) {
	rows, err := parseCSV(r.Body)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	var total Receipt
	rs := make([]Reading, 0, min(len(rows), maxRow))
	for part := range slices.Chunk(rows, maxRow) {
		rs = rs[:0]
		for _, row := range part {
			rs = append(rs, Reading{Datastream: s.idOf(row.datastream), At: row.at, Value: row.value})
		}
		receipt, err := s.Append(r.Context(), r.URL.Query().Get("source"), rs)
		if err != nil {
			if total.Accepted > 0 {
				err = fmt.Errorf("after %d readings were taken: %w", total.Accepted, err)
			}
			web.WriteError(w, r, err)
			return
		}
		total.Accepted += receipt.Accepted
		total.Marked += receipt.Marked
		for _, f := range receipt.Refused {
			row := part[f.Index]
			if f.Code == "sensing.unknown_datastream" {
				f.Message = "datastream: there is none with the external id " + strconv.Quote(row.datastream)
			}
			f.Index, f.Message = row.line, fmt.Sprintf("line %d: %s", row.line, f.Message)
			total.Refused = append(total.Refused, f)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(receiptBody(total)); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}

type csvRow struct {
	datastream string
	at         int64
	value      Value
	line       int
}

// parseCSV reads all rows or says all that is wrong with them.
func parseCSV(body io.Reader) ([]csvRow, error) {
	cr := csv.NewReader(body)
	cr.ReuseRecord = true
	header, err := cr.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, csvError(err)
	}
	if got := strings.TrimPrefix(strings.Join(header, ","), "\ufeff"); got != "datastream,at,value" {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_csv", "line 1: expected the header datastream,at,value, got %q", got)
	}
	var rows []csvRow
	var problems []web.Detail
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		if err != nil {
			return nil, csvError(err)
		}
		line, _ := cr.FieldPos(0)
		at, err := time.Parse(time.RFC3339Nano, rec[1])
		if err != nil {
			_, column := cr.FieldPos(1)
			problems = append(problems, web.Detail{Line: line, Column: column, Field: "at",
				Message: fmt.Sprintf("expected an RFC 3339 time such as 2026-11-23T03:00:00Z, got %q", rec[1])})
		}
		if len(problems) >= maxProblems {
			break
		}
		if len(rows) == maxRows {
			return nil, web.Errorf(http.StatusRequestEntityTooLarge, "sensing.too_many", "more than %d readings in one file; send it in parts", maxRows)
		}
		rows = append(rows, csvRow{strings.Clone(rec[0]), at.UnixMicro(), parseValue(rec[2]), line})
	}
	if len(problems) > 0 {
		e := web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_csv", "line %d: %s", problems[0].Line, problems[0].Message).At("at")
		e.Line, e.Column, e.Errors = problems[0].Line, problems[0].Column, problems
		return nil, e
	}
	return rows, nil
}

// parseValue reads a number where the text is one, a truth value for true and false, and text otherwise.
func parseValue(text string) Value {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return Number(f) // NaN and Inf are kept and marked
	}
	switch text {
	case "true", "false":
		return Bool(text == "true")
	}
	return Text(strings.Clone(text))
}

func csvError(err error) error {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return err
	}
	e := web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_csv", "line %d, column %d: %v", pe.Line, pe.Column, pe.Err)
	e.Line, e.Column = pe.Line, pe.Column
	return e
}
