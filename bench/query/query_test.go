//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

var testCity = city{Streams: 2, Rows: 80, From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}

// TestArraysAreTheCity: what is sent are perRequest readings of each datastream at the city's times, with one decimal.
func TestArraysAreTheCity(t *testing.T) {
	for _, zeros := range []bool{false, true} {
		of := source{ids: []int64{3, 40}, zeros: zeros, at: testCity.at}
		var in []struct {
			Datastream struct {
				ID int64 `json:"@iot.id"`
			}
			DataArray [][2]json.RawMessage `json:"dataArray"`
		}
		if err := json.Unmarshal(of.arrays(nil, []walk{newWalk(3), newWalk(40)}, perRequest), &in); err != nil {
			t.Fatal(err)
		}
		whole := 0
		for i, g := range in {
			if g.Datastream.ID != of.ids[i] || len(g.DataArray) != perRequest {
				t.Fatalf("group %d: %d readings of %d", i, len(g.DataArray), g.Datastream.ID)
			}
			for k, row := range g.DataArray {
				want := strconv.Quote(testCity.at(g.Datastream.ID, perRequest+k).Format(time.RFC3339))
				f, err := strconv.ParseFloat(string(row[1]), 64)
				if string(row[0]) != want || err != nil || f < 1 {
					t.Errorf("reading %d is %s, expected the time %s", k, row, want)
				}
				shortest := strconv.FormatFloat(f, 'f', -1, 64)
				if fixed := strconv.FormatFloat(f, 'f', 1, 64); zeros && string(row[1]) != fixed || !zeros && string(row[1]) != shortest {
					t.Errorf("with zeros %v the number is %s", zeros, row[1])
				}
				if f == float64(int64(f)) {
					whole++
				}
			}
		}
		if whole == 0 {
			t.Error("no whole number was tried")
		}
	}
}

// TestWrongAnswersAreSeen: the bench must see what it is there to see.
func TestWrongAnswersAreSeen(t *testing.T) {
	a := &asker{city: testCity, ids: []int64{3, 40}, firsts: []int64{1 << 31}, owners: []int64{3}, things: []int64{1}, rng: rand.New(rand.NewPCG(1, 1))}
	latest := func(n int, counts ...int) string {
		text := `{"items":[`
		for i, c := range counts {
			id := a.ids[i]
			text += map[bool]string{true: ","}[i > 0] + fmt.Sprintf(`{"datastream":%d,"at":%q,"count":%d}`, id, testCity.at(id, n).Format(time.RFC3339), c)
		}
		return text + "]}"
	}
	page := func(n int, id func(int) int) []byte {
		var out struct {
			Value []obj `json:"value"`
		}
		for i := range n {
			out.Value = append(out.Value, obj{"@iot.id": id(i)})
		}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	up := func(i int) int { return i }
	for _, test := range []struct {
		name   string
		check  func([]byte) error
		answer string
		good   bool
	}{
		{"latest", a.allLatest, latest(39, 40, 40), true},
		{"latest with a datastream missing", a.allLatest, latest(39, 40), false},
		{"latest with a reading missing", a.allLatest, latest(39, 40, 39), false},
		{"an old latest", a.allLatest, latest(38, 40, 40), false},
		{"count", count(80), `{"@iot.count":80,"value":[]}`, true},
		{"wrong count", count(80), `{"@iot.count":79,"value":[]}`, false},
		{"buckets", a.buckets, `{"items":[{"count":39},{"count":1}]}`, true},
		{"buckets that lack one", a.buckets, `{"items":[{"count":39}]}`, false},
		{"page", full, string(page(pageSize, up)), true},
		{"short page", full, string(page(pageSize-1, up)), false},
		{"page with one twice", full, string(page(pageSize, func(i int) int { return max(i, 1) })), false},
		{"empty page", some, `{"value":[]}`, false},
	} {
		if err := test.check([]byte(test.answer)); (err == nil) != test.good {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	q := a.byID()
	var id int64
	if _, err := fmt.Sscanf(q.target(), "/v1.1/Observations(%d)", &id); err != nil {
		t.Fatal(err)
	}
	for off := range int64(2) {
		answer := fmt.Sprintf(`{"@iot.id":%d,"phenomenonTime":%q}`, id+off, testCity.at(3, int(id-1<<31)).Format(time.RFC3339))
		if err := q.check([]byte(answer)); (err == nil) != (off == 0) {
			t.Errorf("an id that is off by %d: %v", off, err)
		}
	}
}
