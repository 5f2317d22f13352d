package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/anlan-city/anlan/internal/detect/outside"
)

// The example keeps the contract: what it answers is taken.
func TestTheExampleKeepsTheContract(t *testing.T) {
	server := httptest.NewServer(handler(1, "Bearer k"))
	defer server.Close()
	q := outside.Question{Model: "m", AskedAt: 1795867500, Horizon: 7200, Series: []outside.AskedOfSeries{
		{ID: "rising", Unit: "m", Readings: [][2]float64{{1795860300, 9}, {1795863900, 1}, {1795867500, 4}}},
		{ID: "steady", Unit: "m", Readings: [][2]float64{{1795867440, 2}}},
		{ID: "silent", Unit: "m", Readings: [][2]float64{}},
	}}
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(key string) (int, []byte) {
		req, err := http.NewRequest("POST", server.URL, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, b
	}
	if status, _ := ask("Bearer other"); status != http.StatusUnauthorized {
		t.Errorf("a stranger gets %d", status)
	}
	_, body := ask("Bearer k")
	a, err := q.Read(body)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Scores) != 2 || a.Scores[0].Score < 0.9 || a.Scores[1].Score > 0.1 || len(a.Forecasts) != 2 || a.Forecasts[0].Median != 7 || a.Scores[0].Reasons[0] != "rises by 3.00 m an hour" {
		t.Errorf("%+v", a)
	}
}
