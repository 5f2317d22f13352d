package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// The outcomes of a question.
const (
	asking   = "asking"
	answered = "answered"
	failed   = "failed"  // no answer
	refused  = "refused" // an answer that breaks the contract, or a question that can't be put
	lost     = "lost"    // the program ended, or the model was moved, while it was asked
)

// errMoved says that the model came into another state while it was asked.
var errMoved = errors.New("the model was moved while it was asked")

// ask asks a model about the window that ended at due, unless that was done, and takes the answer. A model that fails is
// marked; the error is about the store.
func (s *Service) ask(ctx context.Context, m *Model, due time.Time) error {
	fresh := false
	err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		fresh, err = begin(tx, m, due, s.Clock.Now())
		return err
	})
	if err != nil || !fresh {
		return err
	}
	r := result{outcome: refused}
	series, err := s.gather(ctx, m, due)
	if err == nil {
		err = s.put(ctx, m, due, series, &r)
	}
	if ctx.Err() != nil && r.answer == nil {
		return nil // the program ends: the next start finds the row and marks it
	}
	if err != nil {
		r.fault = err.Error()
	}
	err = s.take(ctx, m, due, series, &r)
	if errors.Is(err, errMoved) {
		r.outcome, r.fault, r.answer = lost, err.Error(), nil
		err = s.DB.Write(ctx, func(tx *db.Tx) error { return endAsk(tx, m, due, &r, s.Clock.Now()) })
	}
	s.note(ctx, m, &r)
	return err
}

// result is what became of a question.
type result struct {
	outcome  string
	fault    string
	attempts int
	series   int
	version  string
	answer   *answerKept // nil where there is none
	reasons  map[int64][]string
}

// gather reads what a model is told.
func (s *Service) gather(ctx context.Context, m *Model, due time.Time) ([]Series, error) {
	r := &m.Registration
	all, err := s.Catalogue.Series(ctx, Selection{r.Property, r.Kinds, r.Datastreams})
	if err != nil {
		return nil, fmt.Errorf("its series: %w", err)
	}
	var series []Series
	for _, x := range all {
		if !x.Home {
			series = append(series, x)
		}
	}
	switch {
	case len(series) == 0:
		return nil, errors.New("there are no series that it may be told of")
	case len(series) > MaxSeries:
		return nil, fmt.Errorf("there are %d series, a model is asked about %d at most; narrow the registration", len(series), MaxSeries)
	}
	for i := range series {
		stored, err := s.Readings.History(ctx, series[i].ID, due.Add(-m.history), due, MaxReadings)
		if err != nil {
			return nil, fmt.Errorf("readings of datastream %d: %w", series[i].ID, err)
		}
		for _, x := range stored {
			if v, ok := x.Value.Float(); ok && x.Marks.Judged() {
				series[i].readings = append(series[i].readings, reading{x.At, v})
			}
		}
	}
	return series, nil
}

// put puts the question and reads the answer into r.
func (s *Service) put(ctx context.Context, m *Model, due time.Time, series []Series, r *result) error {
	r.series = len(series)
	q, byID := m.question(db.Micros(due), series)
	text, err := json.Marshal(q)
	switch {
	case err != nil:
		return fmt.Errorf("the question: %w", err)
	case len(text) > MaxQuestion:
		return fmt.Errorf("the question has %d bytes, at most %d are sent; shorten the history or narrow the registration", len(text), MaxQuestion)
	}
	key := m.Registration.Name + "-" + strconv.FormatInt(due.Unix(), 10)
	body, tries, err := s.client.ask(ctx, m, key, text, due.Add(m.every))
	if r.attempts = tries; err != nil {
		if !errors.Is(err, errRefused) {
			r.outcome = failed
		}
		return err
	}
	a, err := q.Read(body)
	if err != nil {
		return err
	}
	r.outcome, r.version = answered, a.Version
	r.answer, r.reasons = keep(a, byID, series)
	return nil
}

// take writes what became of a question, with all that follows from it.
func (s *Service) take(ctx context.Context, m *Model, due time.Time, series []Series, r *result) error {
	now := s.Clock.Now()
	if r.answer == nil {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return endAsk(tx, m, due, r, now) })
	}
	ctx = context.WithoutCancel(ctx) // an answer that is here is not thrown away
	var states []engine.Shard
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		states, err = loadStates(tx, m.ID)
		return err
	})
	if err != nil {
		return err
	}
	byID := map[int64]Series{}
	for _, x := range series {
		byID[x.ID] = x
	}
	changes, after, err := judge(m, states, byID, r.answer.Scores, now)
	if err != nil {
		return err
	}
	told := make([]detect.Told, len(changes))
	for i, c := range changes {
		told[i] = s.told(m, c, byID[c.Subject.ID], r)
	}
	also := func(tx *db.Tx) error {
		if still, err := stillIn(tx, m); err != nil || !still {
			return errors.Join(err, errUnless(still))
		}
		for _, t := range told {
			if err := putAlert(tx, m, r.version, t); err != nil {
				return err
			}
		}
		if err := saveStates(tx, m.ID, after); err != nil {
			return err
		}
		return endAsk(tx, m, due, r, now)
	}
	if m.State == Live {
		return s.Alerts.Tell(ctx, told, also)
	}
	return s.DB.Write(ctx, also)
}

func errUnless(ok bool) error {
	if ok {
		return nil
	}
	return errMoved
}

// told is a step with what an alert tells of it.
func (s *Service) told(m *Model, c engine.Change, of Series, r *result) detect.Told {
	title, reasons := m.Registration.Title, r.reasons[c.Datastream]
	en := fmt.Sprintf("%s, version %s: score %s", m.Registration.Name, r.version, pack.FormatNumber(c.Value))
	zh := fmt.Sprintf("外部模型“%s”（版本%s）评分 %s", title.ZH, r.version, pack.FormatNumber(c.Value))
	if len(reasons) > 0 {
		en += "; in its words: " + strings.Join(reasons, "; ")
		zh += "；模型说明：" + strings.Join(reasons, "；")
	}
	t := detect.Told{Change: c, Stream: of.Stream, Unit: of.Unit, Because: detect.Wording{EN: en, ZH: zh}}
	if !c.Raised() {
		return t
	}
	for _, x := range of.readings[max(0, len(of.readings)-detect.MaxCause):] {
		if x.at <= c.At {
			t.Readings = append(t.Readings, detect.Sample{At: db.Time(x.at), Value: x.value})
		}
	}
	return t
}

// keep puts an answer into our ids, with what the series was when a forecast was issued.
func keep(a *Answer, byID map[string]int64, series []Series) (*answerKept, map[int64][]string) {
	out, reasons, newest := &answerKept{}, map[int64][]string{}, map[int64]float64{}
	for _, x := range a.Scores {
		id := byID[x.Series]
		out.Scores = append(out.Scores, kept{id, micros(x.At), x.Score})
		if at, ok := newest[id]; !ok || x.At > at { // the newest score's reasons
			newest[id], reasons[id] = x.At, x.Reasons
		}
	}
	readings := map[int64][]reading{}
	for _, x := range series {
		readings[x.ID] = x.readings
	}
	for _, x := range a.Forecasts {
		f := foretold{Datastream: byID[x.Series], At: micros(x.At), Issued: micros(x.Issued), Median: x.Median, Low: x.Low, High: x.High, Cover: x.Cover}
		for _, r := range readings[f.Datastream] {
			if r.at > f.Issued {
				break
			}
			f.Then = &r.value
		}
		out.Forecasts = append(out.Forecasts, f)
	}
	return out, reasons
}

// note counts what became of a question, and tells the log when a model begins or ceases to fail.
func (s *Service) note(ctx context.Context, m *Model, r *result) {
	s.mu.Lock()
	s.counted[count{m.Registration.Name, r.outcome}]++
	s.mu.Unlock()
	switch {
	case r.outcome != answered && r.outcome != lost && m.Fails == 0:
		slog.WarnContext(ctx, "an outside model fails", "model", m.Registration.Name, "outcome", r.outcome, "fault", r.fault)
	case r.outcome == answered && m.Fails > 0:
		slog.InfoContext(ctx, "an outside model answers again", "model", m.Registration.Name, "after", m.Fails)
	}
}
