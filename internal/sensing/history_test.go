package sensing

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Buckets agree with sums made by hand, whatever lies in chunks and in the head.
func TestBucketsAgreeWithPlainSums(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		id := datastream(t, s, fmt.Sprint("b", run))
		type point struct {
			minute int
			value  float64
		}
		var kept []point
		for i := range rapid.IntRange(1, 60).Draw(t, "n") {
			p := point{i * rapid.IntRange(1, 3).Draw(t, "step"), float64(rapid.IntRange(-50, 50).Draw(t, "v"))}
			if slices.ContainsFunc(kept, func(o point) bool { return o.minute == p.minute }) {
				continue
			}
			kept = append(kept, p)
			if _, err := s.Append(ctx, "x", []Reading{rd(id, at(p.minute), Number(p.value)), rd(id, at(p.minute), Number(p.value))}); err != nil {
				t.Fatal(err) // the second is a duplicate and counts for nothing
			}
			if rapid.IntRange(0, 9).Draw(t, "seal") == 0 {
				if err := s.Seal(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		width := rapid.IntRange(1, 40).Draw(t, "width")
		got, err := s.Buckets(ctx, BucketQuery{Datastream: id, From: at(0), To: at(180), Width: int64(width) * 60e6, Percentiles: []float64{0, 50, 100}})
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for b := 0; b < 180; b += width {
			var in []point
			for _, p := range kept {
				if p.minute >= b && p.minute < b+width {
					in = append(in, p)
				}
			}
			if len(in) == 0 {
				continue
			}
			slices.SortFunc(in, func(a, b point) int { return a.minute - b.minute })
			sum, values := 0.0, []float64{}
			for _, p := range in {
				sum += p.value
				values = append(values, p.value)
			}
			slices.Sort(values)
			median := (values[(len(values)-1)/2] + values[len(values)/2]) / 2
			g := got[i]
			i++
			if g.From != at(b) || g.Count != int64(len(in)) || math.Abs(g.Avg-sum/float64(len(in))) > 1e-9 || g.Min != values[0] || g.Max != values[len(values)-1] ||
				g.Last != in[len(in)-1].value || math.Abs(g.Percentiles[1]-median) > 1e-9 || g.Percentiles[0] != g.Min || g.Percentiles[2] != g.Max {
				t.Fatalf("bucket at %d: %+v, expected %v", b, g, in)
			}
		}
		if i != len(got) {
			t.Fatalf("%d buckets, expected %d", len(got), i)
		}
	})
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT1H": time.Hour, "PT15M": 15 * time.Minute, "P1D": 24 * time.Hour, "PT0.5S": 500 * time.Millisecond, "P1DT1H1M1S": 25*time.Hour + time.Minute + time.Second} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "P", "PT", "1h", "P1M", "PT0S", "P99999D", "PT-1H"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
}

// Retention deletes whole chunks whose newest reading is too old, and keeps the counters and the kept figures right.
func TestRetentionDeletesWholeChunks(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		sys := access.With(ctx, access.System("test"))
		id := datastream(t, s, "one")
		other := register(t, s, Datastream{ExternalID: "p", Property: "gas/pressure", Unit: "%LEL"})
		const n = 3 * chunkSize
		var rs []Reading
		for i := range n { // one a minute, the last at noon less 2 days
			at := noon.Add(-48*time.Hour - time.Duration(n-i)*time.Minute).UnixMicro()
			rs = append(rs, rd(id, at, Number(float64(i))), rd(other, at, Number(1)))
		}
		if _, err := s.Append(ctx, "gw", rs); err != nil {
			t.Fatal(err)
		}
		if err := s.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.SetRetention(sys, Retention{"gas/methane", 3}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetRetention(sys, Retention{"gas/faces", 3}); err == nil {
			t.Error("a property that no pack has was taken")
		}
		for range 2 {
			if err := s.Retain(ctx); err != nil {
				t.Fatal(err)
			}
			state, _ := s.State(id)
			// 2 days and 3,072 minutes are 4.13 days: of three chunks of 17 hours the newest begins 2.71 days back.
			if state.Count != 2*chunkSize && state.Count != chunkSize || state.Latest.Value.num != n-1 {
				t.Fatalf("%+v", state)
			}
			if first := history(t, s, id, n)[0]; state.MinAt < noon.Add(-3*24*time.Hour-chunkSize*time.Minute).UnixMicro() {
				t.Fatal(first)
			}
			if st, _ := s.State(other); st.Count != n {
				t.Fatalf("the other property lost readings: %+v", st)
			}
			balanced(t, s, 2*n, 0)
			s = start(t, d)
		}
	})
}

// What comes in newest day first is stored as what comes in sorted.
func TestArrivalOrderDoesNotMatter(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		sorted, days := datastream(t, s, "sorted"), datastream(t, s, "days")
		const perDay = 96
		for day := range 20 {
			var a, b []Reading
			for i := range perDay {
				v := func(day int) Value { return Number(float64(day*perDay+i) / 8) }
				a = append(a, rd(sorted, at((day*perDay+i)*5), v(day)))
				b = append(b, rd(days, at(((19-day)*perDay+i)*5), v(19-day)))
			}
			for _, rs := range [][]Reading{a, b} {
				r, err := s.Append(ctx, "gw", rs)
				if err != nil || r.Marked != 0 {
					t.Fatal(r, err)
				}
			}
			if day%6 == 5 {
				if err := s.Seal(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		if a, b := history(t, s, sorted, 1e6), history(t, s, days, 1e6); !slices.Equal(a, b) || len(a) != 20*perDay {
			t.Fatalf("%d and %d readings", len(a), len(b))
		}
		a, _ := s.State(sorted)
		b, _ := s.State(days)
		if a.MinAt != b.MinAt || a.MaxAt != b.MaxAt || a.Latest.Value != b.Latest.Value || a.Count != b.Count {
			t.Fatalf("%+v\n%+v", a, b)
		}
	})
}

func TestMarks(t *testing.T) {
	s, err := New(ctx, Options{
		DB: dbtest.SQLite(t, all...), Clock: clock.NewVirtual(noon), Access: access.AllowAll, Asset: func(int64) Asset { return Asset{} },
		Property: func(string) (Property, bool) {
			return Property{Unit: "%LEL", Number: true, Range: [2]float64{0, 100}}, true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := datastream(t, s, "one")
	foreign := register(t, s, Datastream{ExternalID: "f", Property: "gas/methane", Marks: MarkUnit})
	day := 24 * time.Hour
	for _, c := range []struct {
		r    Reading
		want string
	}{
		{rd(id, at(1), Number(5)), "[]"},
		{rd(id, at(1), Number(5)), "[duplicate]"},
		{rd(id, at(1), Number(6)), "[conflict]"},
		{rd(id, at(1), Number(6)), "[duplicate]"},
		{Reading{Datastream: id, At: at(1), Value: Number(5), Feature: 3}, "[]"},
		{Reading{Datastream: id, At: at(1), Value: Number(5), More: &More{Parameters: `{"depth":2}`}}, "[]"},
		{rd(id, noon.Add(2*day).UnixMicro(), Number(5)), "[future]"},
		{rd(id, noon.Add(-11*366*day).UnixMicro(), Number(5)), "[past]"},
		{rd(id, at(2), Number(math.Inf(1))), "[not_finite]"},
		{rd(id, at(3), Literal("1e999")), "[not_finite]"},
		{rd(id, at(4), Number(100.5)), "[range]"},
		{rd(id, at(5), Number(-0.5)), "[range]"},
		{rd(foreign, at(6), Number(5)), "[unit]"},
	} {
		r, err := s.Append(ctx, "gw", []Reading{c.r})
		if err != nil || r.Accepted != 1 {
			t.Fatal(r, err)
		}
		got, err := s.Get(ctx, r.IDs[0])
		if err != nil || fmt.Sprint(got.Marks.Names()) != c.want {
			t.Errorf("%+v: %v, expected %s (%v)", c.r, got.Marks.Names(), c.want, err)
		}
	}
	// Two of one request, and a repeat that meets its first in a chunk.
	r, err := s.Append(ctx, "gw", []Reading{rd(id, at(90), Number(1)), rd(id, at(90), Number(1))})
	if err != nil || r.Marked != 1 {
		t.Fatal(r, err)
	}
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Append(ctx, "gw", []Reading{rd(id, at(90), Number(1))}); err != nil || r.Marked != 1 {
		t.Fatal(r, err)
	}
	if st, _ := s.State(id); st.Latest.At != at(90) {
		t.Errorf("a reading of the future is the latest: %+v", st.Latest)
	}
}

func TestHistoryAPI(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	id := datastream(t, s, "alarm-1/methane")
	home := register(t, s, Datastream{ExternalID: "home", Asset: 8, Property: "gas/methane"})
	for i := range 10 {
		if _, err := s.Append(ctx, "gw", []Reading{rd(id, noon.Add(time.Duration(i)*10*time.Minute).UnixMicro(), Number(float64(i))), rd(home, at(i), Number(1))}); err != nil {
			t.Fatal(err)
		}
	}
	r := web.NewRouter("test")
	s.Routes(r)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = r.Server(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			h.ServeHTTP(w, req.WithContext(access.With(req.Context(), access.Actor{Kind: access.KindAccount, ID: 1, Name: "duty", Roles: []string{access.DutyOfficer}})))
		})
	})
	srv.Start()
	defer srv.Close()
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/api/v1/datastreams/1/buckets?interval=PT1H&percentiles=50", 200, `{"unit":"%LEL","interval":"PT1H","percentiles":[50],"items":[{"from":"2026-11-23T12:00:00Z","count":6,"avg":2.5,"min":0,"max":5,"last":5,"percentiles":[2.5]},{"from":"2026-11-23T13:00:00Z","count":4,"avg":7.5,"min":6,"max":9,"last":9,"percentiles":[7.5]}]}` + "\n"},
		{"/api/v1/datastreams/1/buckets?interval=1h", 422, `{"status":422,"code":"sensing.bad_interval","title":"Unprocessable Entity","detail":"expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT1H, got \"1h\"","field":"interval"}` + "\n"},
		{"/api/v1/datastreams/1/readings.csv?to=2026-11-23T12:10:00Z", 200, "datastream,at,value,unit,until,result_time,marks\nalarm-1/methane,2026-11-23T12:00:00Z,0,%LEL,,,\nalarm-1/methane,2026-11-23T12:10:00Z,1,%LEL,,,\n"},
		{"/api/v1/datastreams/2/buckets", 403, `{"status":403,"code":"sensing.home","title":"Forbidden","detail":"a sensor in a home shows whether it is alive, and no values"}` + "\n"},
		{"/api/v1/datastreams/2/readings.csv", 403, `{"status":403,"code":"sensing.home","title":"Forbidden","detail":"a sensor in a home shows whether it is alive, and no values"}` + "\n"},
	} {
		res, err := http.Get(srv.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.status || string(got) != c.want {
			t.Errorf("%s\n got %d %s\nwant %d %s", c.path, res.StatusCode, got, c.status, c.want)
		}
	}
}
