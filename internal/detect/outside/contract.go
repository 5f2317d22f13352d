package outside

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/detect/engine"
)

// Bounds of the contract.
const (
	MaxQuestion  = 32 << 20 // bytes of a question
	MaxAnswer    = 8 << 20  // bytes of an answer
	MaxReadings  = 20_000   // of a series, the newest
	MaxScores    = 100      // of a series in an answer
	MaxForecasts = 500      // of a series in an answer
	maxReasons   = 5
	maxReason    = 200 // characters

	// clockSlack is how far ahead of the question a score may lie: clocks differ a little.
	clockSlack = 60.0
)

// Question is what a model is asked. Times are seconds since 1970 UTC.
type Question struct {
	Model         string          `json:"model"`
	VersionWanted string          `json:"version_wanted,omitempty"`
	AskedAt       float64         `json:"asked_at"`
	Horizon       float64         `json:"horizon"` // seconds
	Series        []AskedOfSeries `json:"series"`
}

// AskedOfSeries is one series of a question.
type AskedOfSeries struct {
	ID       string `json:"id"`
	Property string `json:"property"`
	Unit     string `json:"unit"`
	Kind     string `json:"kind"`
	PlaceKey string `json:"place_key"`
	// Only where the registration says so:
	Name      string      `json:"name,omitempty"`
	PlaceName string      `json:"place_name,omitempty"`
	Point     *[2]float64 `json:"point,omitempty"` // longitude, latitude

	Readings [][2]float64 `json:"readings"` // time and value, oldest first
}

// Answer is what a model says, after it was checked.
type Answer struct {
	Version   string
	Scores    []Score
	Forecasts []Forecast
}

// Score is how sure a model is that something is wrong with a series, or will be within the horizon.
type Score struct {
	Series  string
	At      float64
	Score   float64 // 0 to 1
	Level   string  // what the model would call it; "" where it says nothing
	Reasons []string
}

// Forecast is where a model expects a series to be.
type Forecast struct {
	Series            string
	At, Issued        float64
	Median, Low, High float64
	Cover             float64 // the probability that the value lies within Low and High
}

// AnswerError says what is wrong with an answer.
type AnswerError struct {
	Field   string // "scores[3].score"; "" for the answer as a whole
	Message string
}

// Error is the field with what is wrong.
func (e *AnswerError) Error() string {
	if e.Field == "" {
		return "the answer " + e.Message
	}
	return e.Field + ": " + e.Message
}

func wrong(field, format string, args ...any) error {
	return &AnswerError{field, fmt.Sprintf(format, args...)}
}

// answerDoc is an answer as it comes: pointers tell what is missing.
type answerDoc struct {
	Version *string `json:"version"`
	Scores  []struct {
		Series  *string  `json:"series"`
		At      *float64 `json:"at"`
		Score   *float64 `json:"score"`
		Level   string   `json:"level"`
		Reasons []string `json:"reasons"`
	} `json:"scores"`
	Forecasts []struct {
		Series *string  `json:"series"`
		At     *float64 `json:"at"`
		Issued *float64 `json:"issued"`
		Median *float64 `json:"median"`
		Low    *float64 `json:"low"`
		High   *float64 `json:"high"`
		Cover  *float64 `json:"cover"`
	} `json:"forecasts"`
}

// Read checks an answer to q. Fields that the contract doesn't have are left alone. The error is an *AnswerError.
func (q *Question) Read(body []byte) (*Answer, error) {
	var doc answerDoc
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&doc); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return nil, wrong(kind.Field, "expected a %s, got a %s", word(kind.Type.String()), kind.Value)
		}
		return nil, wrong("", "is not JSON: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("", "goes on after its end")
	}
	a := &Answer{}
	switch {
	case doc.Version == nil:
		return nil, wrong("version", "is missing")
	case !versions.MatchString(*doc.Version):
		return nil, wrong("version", "expected letters, digits, points and hyphens, at most 64")
	case q.VersionWanted != "" && *doc.Version != q.VersionWanted:
		return nil, wrong("version", "is %s, and %s was asked", *doc.Version, q.VersionWanted)
	case len(doc.Scores)+len(doc.Forecasts) == 0:
		return nil, wrong("scores", "there are neither scores nor forecasts")
	}
	a.Version = *doc.Version
	c := newChecker(q)
	for i := range doc.Scores {
		x := &doc.Scores[i]
		at := func(name string) string { return fmt.Sprintf("scores[%d].%s", i, name) }
		if err := c.series(at, x.Series, x.At, MaxScores, c.scored, "score"); err != nil {
			return nil, err
		}
		if err := number(at("score"), x.Score, 0, 1); err != nil {
			return nil, err
		}
		if *x.At > q.AskedAt+clockSlack {
			return nil, wrong(at("at"), "lies after the question; a score is of now or before")
		}
		if x.Level != "" && !slices.Contains(engine.Levels, x.Level) {
			return nil, wrong(at("level"), "%.40q is none of %s", x.Level, strings.Join(engine.Levels, ", "))
		}
		reasons, err := clean(at("reasons"), x.Reasons)
		if err != nil {
			return nil, err
		}
		a.Scores = append(a.Scores, Score{*x.Series, *x.At, *x.Score, x.Level, reasons})
	}
	for i := range doc.Forecasts {
		x := &doc.Forecasts[i]
		at := func(name string) string { return fmt.Sprintf("forecasts[%d].%s", i, name) }
		if err := c.series(at, x.Series, x.At, MaxForecasts, c.foretold, "forecast"); err != nil {
			return nil, err
		}
		for _, f := range []struct {
			name string
			v    *float64
		}{{"issued", x.Issued}, {"median", x.Median}, {"low", x.Low}, {"high", x.High}, {"cover", x.Cover}} {
			if err := number(at(f.name), f.v, -math.MaxFloat64, math.MaxFloat64); err != nil {
				return nil, err
			}
		}
		switch {
		case *x.Issued > q.AskedAt+clockSlack || *x.Issued < q.AskedAt-maxHistory.Seconds():
			return nil, wrong(at("issued"), "is not a time of the question or shortly before")
		case *x.At <= *x.Issued:
			return nil, wrong(at("at"), "does not lie after issued; a forecast is of what is to come")
		case *x.At > q.AskedAt+q.Horizon+clockSlack:
			return nil, wrong(at("at"), "lies beyond the horizon of %v seconds", q.Horizon)
		case *x.Median < *x.Low:
			return nil, wrong(at("low"), "%v is above the median, %v", *x.Low, *x.Median)
		case *x.Median > *x.High:
			return nil, wrong(at("high"), "%v is below the median, %v", *x.High, *x.Median)
		case *x.Cover <= 0 || *x.Cover >= 1:
			return nil, wrong(at("cover"), "%v is not between 0 and 1, such as 0.9", *x.Cover)
		}
		a.Forecasts = append(a.Forecasts, Forecast{*x.Series, *x.At, *x.Issued, *x.Median, *x.Low, *x.High, *x.Cover})
	}
	return a, nil
}

// checker knows the series of a question and what was said of each.
type checker struct {
	from             float64
	known            map[string]bool
	scored, foretold map[string]map[float64]bool
}

func newChecker(q *Question) *checker {
	c := &checker{q.AskedAt - maxHistory.Seconds(), map[string]bool{}, map[string]map[float64]bool{}, map[string]map[float64]bool{}}
	for _, s := range q.Series {
		c.known[s.ID] = true
	}
	return c
}

// series checks what a score and a forecast have in common.
func (c *checker) series(at func(string) string, series *string, t *float64, most int, seen map[string]map[float64]bool, what string) error {
	switch {
	case series == nil:
		return wrong(at("series"), "is missing")
	case !c.known[*series]:
		return wrong(at("series"), "%.60q is none of the series that were asked", *series)
	}
	if err := number(at("at"), t, c.from, 1e11); err != nil {
		return err
	}
	times := seen[*series]
	if times == nil {
		times = map[float64]bool{}
		seen[*series] = times
	}
	switch {
	case times[*t]:
		return wrong(at("at"), "there are two %ss of this series and time", what)
	case len(times) == most:
		return wrong(at("series"), "there are more than %d %ss of this series", most, what)
	}
	times[*t] = true
	return nil
}

func number(field string, v *float64, low, high float64) error {
	switch {
	case v == nil:
		return wrong(field, "is missing")
	case *v < low || *v > high:
		return wrong(field, "%v is not within %v to %v", *v, low, high)
	}
	return nil
}

// clean makes reasons fit to be shown: what comes from outside may hold anything.
func clean(field string, reasons []string) ([]string, error) {
	if len(reasons) > maxReasons {
		return nil, wrong(field, "there are %d, at most %d are taken", len(reasons), maxReasons)
	}
	var out []string
	for i, r := range reasons {
		r = strings.Join(strings.FieldsFunc(r, func(c rune) bool { return c < ' ' || c == 0x7f || c == ' ' || c == '\u2028' || c == '\u2029' }), " ")
		if utf8.RuneCountInString(r) > maxReason {
			return nil, wrong(fmt.Sprintf("%s[%d]", field, i), "has more than %d characters", maxReason)
		}
		if r = guard.Mask(r); r != "" {
			out = append(out, r)
		}
	}
	return out, nil
}

func word(kind string) string {
	switch kind {
	case "float64":
		return "number"
	case "string":
		return "text"
	}
	if strings.HasPrefix(kind, "[]") {
		return "list"
	}
	return "object"
}

// opaque is an id that means something to this model and us alone: two models can't compare what they were told.
func (m *Model) opaque(kind string, id int64) string {
	mac := hmac.New(sha256.New, m.idsKey)
	fmt.Fprintf(mac, "%s %d", kind, id)
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)[:10]))
}

// question makes the question about series, and the way back from their ids.
func (m *Model) question(askedAt int64, series []Series) (q *Question, byID map[string]int64) {
	q = &Question{Model: m.Registration.Name, VersionWanted: m.wanted(), AskedAt: seconds(askedAt), Horizon: m.horizon.Seconds(), Series: []AskedOfSeries{}}
	byID = map[string]int64{}
	for _, s := range series {
		x := AskedOfSeries{ID: m.opaque("series", s.ID), Property: s.Property, Unit: s.Unit, Kind: s.Kind, Readings: [][2]float64{}}
		if s.Place != 0 {
			x.PlaceKey = m.opaque("place", s.Place)
		} else {
			x.PlaceKey = m.opaque("asset", s.Asset)
		}
		if m.shares("names") {
			x.Name, x.PlaceName = s.AssetName.In("zh-CN"), s.PlaceName.In("zh-CN")
		}
		if m.shares("points") {
			x.Point = s.Point
		}
		for _, r := range s.readings {
			x.Readings = append(x.Readings, [2]float64{seconds(r.at), r.value})
		}
		q.Series = append(q.Series, x)
		byID[x.ID] = s.ID
	}
	return q, byID
}

func seconds(us int64) float64 { return float64(us) / 1e6 }
func micros(s float64) int64   { return int64(math.Round(s * 1e6)) }
