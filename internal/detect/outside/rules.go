package outside

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// What a score is to the engine: a reading of a property of its own, of the datastream that it is about.
const (
	scoreProperty = "outside/score"
	scoreKind     = "outside/series"
)

// detector compiles the rule of a registration, as if it stood in a pack: so levels, delays and hysteresis mean the same as in
// detectors.yaml, and its mistakes are told in the same words.
func (r *Registration) detector() (*engine.Detector, error) {
	every, err := span(r.Every)
	if err != nil {
		return nil, err
	}
	main := line("pack", "outside") + line("title", r.Title) +
		line("observes", map[string]any{"score": map[string]any{"title": map[string]string{"en": "Score of " + r.Title.EN, "zh-CN": r.Title.ZH + "评分"}, "unit": "1", "range": []int{0, 1}}}) +
		line("assets", map[string]any{"series": map[string]any{"title": map[string]string{"en": "Series", "zh-CN": "序列"}, "measures": []string{"score"}}})
	rule := []struct{ field, text string }{
		{"name", "- id: " + quoted(r.Name) + "\n"},
		{"title", "  " + line("title", r.Title)},
		{"levels", "  " + line("levels", r.Levels)},
		{"clear", "  " + line("clear", r.Clear)},
		{"source", "  " + line("source", r.Source)},
		// An answer may come a little late: delays pause when a whole window is missing. Of scores that come twice the first counts.
		{"every", "  " + line("every", (2*every).String()) + "  late: 0s\n"},
		{"", "  watches: score\n  on: series\n  silent_after: 400d\n  maturity: " + maturity + "\n  owner: " + r.owner() + "\n" +
			"  because: {en: \"{{value}}\", zh-CN: \"{{value}}\"}\n  known_false_alarms: [not known]\n"},
	}
	if r.Opens != nil {
		rule = append(rule, struct{ field, text string }{"opens", "  " + line("opens", r.Opens)})
	}
	var text bytes.Buffer
	var fields []string // by line of the text
	for _, x := range rule {
		text.WriteString(x.text)
		for range bytes.Count([]byte(x.text), []byte("\n")) {
			fields = append(fields, x.field)
		}
	}
	files, err := archive(map[string][]byte{"pack.yaml": []byte(main), engine.File: text.Bytes()})
	if err != nil {
		return nil, err
	}
	p, err := pack.Load(files, "outside")
	if err != nil {
		return nil, refusedRule(err, nil)
	}
	ds, err := engine.Compile(p)
	if err != nil {
		return nil, refusedRule(err, fields)
	}
	return ds[0], nil
}

// line is a key of YAML with its value as JSON, which is YAML too: what people wrote can't break out of it.
func line(key string, value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return key + ": null\n" // of texts and numbers nothing fails
	}
	return key + ": " + string(b) + "\n"
}

func quoted(s string) string { return string(bytes.TrimSpace([]byte(line("", s)[2:]))) }

// archive is a file system of a few files in memory.
func archive(files map[string][]byte) (*zip.Reader, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// refusedRule tells the first thing that is wrong with a rule, and the field of the registration where it stands.
func refusedRule(err error, fields []string) error {
	var ds pack.Diagnostics
	if !errors.As(err, &ds) || len(ds) == 0 {
		return fmt.Errorf("rule of a model: %w", err)
	}
	e := web.Errorf(http.StatusUnprocessableEntity, "model.bad_rule", "%s", ds[0].Message)
	if n := ds[0].Line - 1; n >= 0 && n < len(fields) {
		e = e.At(fields[n])
	}
	return e
}

// judge puts the scores of an answer through the model's rule, in the order of time. Scores of before the model came into its
// state are left out, and so are those that are not newer than the last one judged of their series. states are as they were
// after the answer before; what changed of them is given back.
func judge(m *Model, states []engine.Shard, series map[int64]Series, scores []kept, now time.Time) (changes []engine.Change, after []engine.Shard, err error) {
	if len(m.Registration.Levels) == 0 {
		return nil, nil, nil
	}
	d, err := m.Registration.detector()
	if err != nil {
		return nil, nil, err
	}
	e := engine.New([]*engine.Detector{d})
	for _, x := range states {
		if _, err := e.Restore(x); err != nil {
			return nil, nil, err
		}
	}
	for _, id := range e.Known() { // what is not among the series any more ends its alert
		if _, there := series[id]; !there {
			changes = e.Bind(engine.Stream{ID: id}, changes)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(series)) {
		s := series[id].Stream
		s.Property, s.Kind = scoreProperty, scoreKind
		changes = e.Bind(s, changes)
	}
	scores = slices.Clone(scores)
	slices.SortStableFunc(scores, func(a, b kept) int { return int(a.At - b.At) })
	floor := db.Micros(m.MovedAt)
	for _, s := range scores {
		if s.At >= floor {
			changes = e.Evaluate(engine.Reading{Datastream: s.Datastream, At: s.At, Value: s.Score, Number: true}, db.Micros(now), changes)
		}
	}
	changes = slices.DeleteFunc(changes, func(c engine.Change) bool { return c.Kind != engine.Hazard })
	after, err = e.Captured(e.Capture())
	return changes, after, err
}
