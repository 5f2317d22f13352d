package detect

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// Instrument is one of those that an alert is about, under the names that it has in the register.
type Instrument struct {
	Datastream int64   `json:"datastream"`
	Name       string  `json:"name" doc:"as its sender calls it; empty when it is no longer there"`
	Property   Wording `json:"property" doc:"what it measures"`
	Unit       string  `json:"unit"`
	Asset      int64   `json:"asset"`
	AssetName  Wording `json:"asset_name" doc:"of one in a home: what it is"`
	Place      int64   `json:"place"`
	PlaceName  Wording `json:"place_name"`
	Home       bool    `json:"home,omitempty" doc:"it stands in a home: whether it speaks is told, and no value"`

	Raised   *Sample    `json:"raised" doc:"its newest reading when the alert was raised; null: none, or not to be told"`
	Latest   *Sample    `json:"latest" doc:"its newest reading; null: none, or not to be told"`
	HeardAt  *time.Time `json:"heard_at" doc:"the time of its newest reading, whatever the value; null: it has sent none"`
	Deviates bool       `json:"deviates,omitempty" doc:"of several that are judged together, one of those that deviate most"`
}

// Names tells of instruments. app fulfils it from sensing, the register and the packs.
type Names interface {
	// Instruments are those of the datastreams, without Raised and Deviates. One that is not known is missing. It answers from
	// memory.
	Instruments(ctx context.Context, datastreams []int64) map[int64]Instrument
}

// Signal is something that a rule which joins others has counted.
type Signal struct {
	Alert     int64        `json:"alert,omitempty" doc:"of a detector that it joins"`
	Report    int64        `json:"report,omitempty" doc:"of people"`
	Title     Wording      `json:"title" doc:"of the alert, or of the report's category"`
	AssetName Wording      `json:"asset_name" doc:"of the alert"`
	PlaceName Wording      `json:"place_name" doc:"of the alert"`
	Level     engine.Level `json:"level" enum:"none,blue,yellow,orange,red"`
	At        time.Time    `json:"at" doc:"when it was raised, or reported"`
}

// reading is what one of several instruments read when an alert was raised.
type reading struct {
	Datastream int64 `json:"datastream"`
	Sample
}

const (
	// maxOthers is of how many instruments beside the one that raised an alert the reading is kept with it.
	maxOthers = 50
	// othersWithin is how old these readings are at most.
	othersWithin = 24 * time.Hour
	// maxSignals is how many signals are told with an alert that joins others.
	maxSignals = 50
)

// others are the readings, as they were when an alert was raised, of the instruments beside the one that raised it: as cause,
// of the log and of the row that is being judged. None is told of one in a home.
func (s *Service) others(ctx context.Context, c engine.Change, row []sensing.Stored) (out []reading, err error) {
	for _, id := range c.Datastreams {
		if len(out) == maxOthers {
			break
		}
		if _, home := s.public(c.Detector, s.engine.Stream(id)); home || id == c.Datastream {
			continue
		}
		var stored []sensing.Stored
		if s.Readings != nil {
			stored, err = s.Readings.History(ctx, id, db.Time(c.At).Add(-othersWithin), db.Time(c.At), 1)
			var refused *web.Error
			if err != nil && !errors.As(err, &refused) { // one that is gone meanwhile has nothing to tell
				return nil, fmt.Errorf("reading of datastream %d: %w", id, err)
			}
		}
		for _, r := range row {
			if r.Datastream == id && r.At <= c.At {
				stored = append(stored, r)
			}
		}
		var newest *reading
		for _, r := range stored {
			if v, ok := r.Value.Float(); ok && (newest == nil || r.At >= db.Micros(newest.At)) {
				newest = &reading{id, Sample{At: db.Time(r.At), Value: v}}
			}
		}
		if newest != nil {
			out = append(out, *newest)
		}
	}
	return out, nil
}

// public is a datastream's place as an alert may tell it: see engine.Detector.Public. A detector that joins others has no kinds
// of its own and stands where one of the instruments of its place does, which may be in a home.
func (s *Service) public(d *engine.Detector, st engine.Stream) (out engine.Stream, home bool) {
	if d.Joins == nil {
		return d.Public(st)
	}
	for _, x := range s.Detectors {
		if out, home = x.Public(st); home {
			return out, true
		}
	}
	return st, false
}

// nameInstruments completes an alert with its instruments, under the names of today.
func (s *Service) nameInstruments(ctx context.Context, a *Alert) {
	if s.Names == nil {
		return
	}
	ids := a.Datastreams // none of a rule that joins others: it stands where one of its place does, which has no part in it
	known := s.Names.Instruments(ctx, ids)
	raised := map[int64]*Sample{}
	for _, r := range a.others {
		raised[r.Datastream] = &r.Sample
	}
	if n := len(a.Readings); n > 0 {
		raised[a.Datastream] = &a.Readings[n-1]
	}
	deviates := map[int64]bool{}
	for _, id := range a.deviators {
		deviates[id] = true
	}
	a.Instruments = make([]Instrument, 0, len(ids))
	for _, id := range ids {
		in, ok := known[id]
		if !ok {
			in = Instrument{Datastream: id}
			if id == a.Datastream {
				in.AssetName, in.PlaceName, in.Unit = a.AssetName, a.PlaceName, a.Unit
			}
		}
		in.Deviates = deviates[id]
		if !in.Home {
			in.Raised = raised[id]
		}
		a.Instruments = append(a.Instruments, in)
	}
}

// signals are what a rule that joins others had before it at a step: the alerts and reports that stood or ended
// within its time, at its place or near it.
func (s *Service) signals(tx *db.Tx, st step, a *Alert) ([]Signal, error) {
	j := st.Detector.Joins
	if j == nil || a.Kind != engine.Hazard {
		return nil, nil
	}
	at, within := st.At, j.Within.Microseconds()
	near := func(place int64, point *[2]float64) bool {
		return place != 0 && place == a.Place || j.Near > 0 && point != nil && a.Point != nil && metres(*point, *a.Point) <= j.Near
	}
	var out []Signal
	for _, m := range j.Of {
		var err error
		if m.Reports != "" {
			_, short, _ := strings.Cut(m.Reports, "/") // see joined
			err = tx.Each(func(rows *sql.Rows) error {
				x := Signal{Title: m.Title}
				var when int64
				var point [2]float64
				err := rows.Scan(&x.Report, &when, &point[0], &point[1])
				if x.At = db.Time(when); err == nil && near(0, &point) {
					out = append(out, x)
				}
				return err
			}, `select id, at, lon, lat from detect_reports where category in ($1, $2) and at between cast($3 as bigint) and cast($4 as bigint) order by at nulls last, id nulls last`,
				m.Reports, short, at-within, at)
		} else {
			err = tx.Each(func(rows *sql.Rows) error {
				x, err := scanAlert(rows)
				if err == nil && near(x.Place, x.Point) {
					out = append(out, Signal{Alert: x.ID, Title: x.Title, AssetName: x.AssetName, PlaceName: x.PlaceName, Level: x.Level, At: x.RaisedAt})
				}
				return err
			}, `select `+columns+` from alerts where kind = 'hazard' and detector = $1 and level >= $2 and raised_at <= cast($3 as bigint)
					and (state <> 'cleared' or cleared_at >= cast($4 as bigint)) order by id nulls last`,
				m.Alert, int64(m.From), at, at-within)
		}
		if err != nil {
			return nil, err
		}
	}
	return newestSignals(out), nil
}

// newestSignals leaves out the oldest of signals that are too many. Alerts go before reports: a hundred people who smell gas must
// not hide the instrument that has measured it.
func newestSignals(all []Signal) []Signal {
	slices.SortStableFunc(all, func(a, b Signal) int {
		if (a.Alert != 0) != (b.Alert != 0) {
			return cmp.Compare(bit(a.Alert == 0), bit(b.Alert == 0))
		}
		return b.At.Compare(a.At)
	})
	return all[:min(len(all), maxSignals)]
}

// said is the body of a step: why, and what the rule's variables came to.
type said struct {
	Wording
	Figures []engine.Figure `json:"figures,omitempty"`
}

func (s *Step) take(body string) error {
	var x *said
	if err := json.Unmarshal([]byte(body), &x); err != nil || x == nil {
		return err
	}
	s.Because, s.Figures = &x.Wording, x.Figures
	return nil
}
