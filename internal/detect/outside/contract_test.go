package outside

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func question() *Question {
	return &Question{AskedAt: 1_000_000, Horizon: 3600, Series: []AskedOfSeries{{ID: "a"}, {ID: "b"}}}
}

func TestAnswersThatAreRefused(t *testing.T) {
	const score = `{"series":"a","at":999999,"score":0.5,"level":"red","reasons":["x"]}`
	const forecast = `{"series":"a","at":1003600,"issued":1000000,"median":1,"low":0,"high":2,"cover":0.9}`
	with := func(text, old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatal(old)
		}
		return strings.Replace(text, old, new, 1)
	}
	scores := func(list ...string) string { return `{"version":"1","scores":[` + strings.Join(list, ",") + `]}` }
	forecasts := func(list ...string) string { return `{"version":"1","forecasts":[` + strings.Join(list, ",") + `]}` }
	if a, err := question().Read([]byte(`{"version":"1","scores":[` + score + `],"forecasts":[` + forecast + `],"more":1}`)); err != nil || len(a.Scores) != 1 || len(a.Forecasts) != 1 {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, body, field, says string }{
		{"empty", ``, "", "is not JSON"},
		{"cut off", `{"version":`, "", "is not JSON"},
		{"two values", scores(score) + "{}", "", "goes on after its end"},
		{"a list", `[]`, "", "expected a object"},
		{"no version", `{"scores":[` + score + `]}`, "version", "is missing"},
		{"version of control characters", with(scores(score), `"1"`, `"\u0000"`), "version", "expected letters"},
		{"nothing", `{"version":"1"}`, "scores", "neither"},
		{"scores are a text", `{"version":"1","scores":"high"}`, "scores", "expected a list, got a string"},
		{"score is a text", scores(with(score, "0.5", `"high"`)), "scores.score", "expected a number, got a string"},
		{"no series", scores(with(score, `"series":"a",`, "")), "scores[0].series", "is missing"},
		{"unknown series", scores(score, with(score, `"a"`, `"z"`)), "scores[1].series", `"z" is none of the series`},
		{"no score", scores(with(score, `"score":0.5,`, "")), "scores[0].score", "is missing"},
		{"score of 0 to 100", scores(with(score, "0.5", "50")), "scores[0].score", "50 is not within 0 to 1"},
		{"milliseconds", scores(with(score, "999999", "999999000000")), "scores[0].at", "is not within"},
		{"to come", scores(with(score, "999999", "1000061")), "scores[0].at", "lies after the question"},
		{"twice", scores(score, score), "scores[1].at", "there are two scores"},
		{"no colour", scores(with(score, "red", "pink")), "scores[0].level", "none of blue"},
		{"a long reason", scores(with(score, `"x"`, `"`+strings.Repeat("长", 201)+`"`)), "scores[0].reasons[0]", "more than 200"},
		{"many reasons", scores(with(score, `"x"`, `"x","x","x","x","x","x"`)), "scores[0].reasons", "at most 5"},
		{"no cover", forecasts(with(forecast, `,"cover":0.9`, "")), "forecasts[0].cover", "is missing"},
		{"cover in percent", forecasts(with(forecast, "0.9", "90")), "forecasts[0].cover", "not between 0 and 1"},
		{"of what has been", forecasts(with(forecast, "1003600", "1000000")), "forecasts[0].at", "does not lie after issued"},
		{"too far", forecasts(with(forecast, "1003600", "1009000")), "forecasts[0].at", "beyond the horizon"},
		{"issued later", forecasts(with(forecast, `"issued":1000000`, `"issued":1000100`)), "forecasts[0].issued", "not a time of the question"},
		{"low above", forecasts(with(forecast, `"low":0`, `"low":1.5`)), "forecasts[0].low", "1.5 is above the median"},
		{"high below", forecasts(with(forecast, `"high":2`, `"high":0.5`)), "forecasts[0].high", "below the median"},
	} {
		_, err := question().Read([]byte(c.body))
		var e *AnswerError
		if !errors.As(err, &e) || e.Field != c.field || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %v, want %s: %s", c.name, err, c.field, c.says)
		}
	}
	many := make([]string, MaxScores+1)
	for i := range many {
		many[i] = with(score, "999999", json.Number(strings.Repeat("9", 5)).String()+"."+strings.Repeat("1", i+1))
	}
	if _, err := question().Read([]byte(scores(many...))); err == nil {
		t.Error("more scores than a series may have were taken")
	}
}

// An answer is refused, or everything in it is within its bounds; never anything else.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"version":"1","scores":[{"series":"a","at":999999,"score":0.5,"level":"red","reasons":["x"]}]}`))
	f.Add([]byte(`{"version":"1","forecasts":[{"series":"b","at":1003600,"issued":1000000,"median":1,"low":0,"high":2,"cover":0.9}]}`))
	f.Add([]byte(`{"version":null,"scores":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q := question()
		a, err := q.Read(body)
		var e *AnswerError
		if err != nil {
			if !errors.As(err, &e) || a != nil {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		for _, s := range a.Scores {
			if !(s.Score >= 0 && s.Score <= 1) || s.At > q.AskedAt+clockSlack || s.Series != "a" && s.Series != "b" {
				t.Fatalf("%+v", s)
			}
		}
		for _, x := range a.Forecasts {
			if !(x.Low <= x.Median && x.Median <= x.High && x.At > x.Issued && x.Cover > 0 && x.Cover < 1) {
				t.Fatalf("%+v", x)
			}
		}
	})
}
